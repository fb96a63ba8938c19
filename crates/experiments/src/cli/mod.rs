//! The command line of `taper`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

mod data;
mod evaluate;
#[cfg(feature = "fetch")]
mod fetch;
mod gradcheck;
mod inspect;
mod options;
mod predict;
mod progress;
mod report;
mod status;
mod table;
mod train;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Interrupted by Ctrl-C: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Train neural networks on the CPU, and see what regularization does to them.
#[derive(Parser)]
#[command(name = "taper", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a study: train every variant, compare them, write a report
    Train(train::Train),
    /// Measure a trained network on a data set
    Evaluate(evaluate::Evaluate),
    /// Say what a trained network sees in pictures
    Predict(predict::Predict),
    /// Show what is in a checkpoint: architecture, weights, position, provenance
    Inspect(inspect::Inspect),
    /// Build the report of a run again
    Report(report::Report),
    /// List, download and verify data sets
    Data(data::Data),
    /// Compare every gradient with central differences
    Gradcheck(gradcheck::Gradcheck),
}

/// The command line makes no sense although clap could read it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Result of a command.
type Done = anyhow::Result<ExitCode>;

/// Reads the command line and carries it out.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let wrong = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if wrong { 2 } else { 0 });
        }
    };
    let done = match &arguments.command {
        Command::Train(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Data(command) => command.run(),
        Command::Gradcheck(command) => command.run(),
    };
    done.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // Whoever reads our output has had enough: that is no failure.
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.downcast_ref::<Closed>().is_some() || error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "error: {}", message(error));
    if error.downcast_ref::<Usage>().is_some() {
        let _ = writeln!(
            std::io::stderr(),
            "\nFor more information, try 'taper --help'."
        );
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}

/// The error and its causes, each said once: many errors quote their cause already.
fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
struct Closed;

/// Prints a text and a line's end; a closed pipe ends the program quietly.
fn say(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Closed.into()),
        other => Ok(other?),
    }
}

/// A value that is at least 1.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number, at least 1".into()),
    }
}

/// The most threads that can be asked for: more than any machine has, and few enough to be started.
const MOST_THREADS: usize = 1024;

/// A number of threads, or of trainings side by side.
fn thread_count(text: &str) -> Result<usize, String> {
    match positive(text) {
        Ok(number) if number > MOST_THREADS => Err(format!("must be at most {MOST_THREADS}")),
        other => other,
    }
}

/// The threads asked for, or as many as the machine has.
fn threads(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Runs `work` in a pool of so many threads.
fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?
        .install(work))
}
