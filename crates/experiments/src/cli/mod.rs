//! The command line of `taper`. Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + the signal's number when a signal
//! ended it (130: Ctrl-C).

mod data;
mod ending;
mod evaluate;
#[cfg(feature = "fetch")]
mod fetch;
mod gradcheck;
mod inspect;
mod options;
mod predict;
mod progress;
mod report;
mod resume;
mod shell;
mod signals;
mod status;
mod table;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::console::{complain, ended, look, say};

/// What `--help` says at its end.
const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage; 130 interrupted by Ctrl-C (SIGINT), 143 by SIGTERM,
129 by SIGHUP: 128 + the signal's number.
A training that is interrupted saves first and can be resumed. Another signal within two seconds
changes nothing, for some launchers send each one twice; a later one, or a third, ends at once.";

/// Train neural networks on the CPU, and see what regularization does to them.
#[derive(Parser)]
#[command(name = "taper", version, disable_help_subcommand = true)]
#[command(after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a study: train every variant, compare them, write a report
    #[command(after_help = EXIT_CODES)]
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
    look::is_terminal(); // asked while it is there: it may hang up
    let done = match Arguments::try_parse() {
        Ok(arguments) => arguments.command.run(),
        Err(told) => Ok(tell(&told)),
    };
    ended(done.unwrap_or_else(|error| fail(&error)))
}

impl Command {
    fn run(&self) -> Done {
        match self {
            Command::Train(command) => command.run(),
            Command::Evaluate(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Report(command) => command.run(),
            Command::Data(command) => command.run(),
            Command::Gradcheck(command) => command.run(),
        }
    }
}

/// What clap has to say: help and version, or what is wrong with the command line.
fn tell(told: &clap::Error) -> ExitCode {
    let text = told.render();
    if told.use_stderr() {
        complain(text.to_string().trim_end());
        return ExitCode::from(2);
    }
    if look::draws() {
        say(text.ansi().to_string().trim_end());
    } else {
        say(text.to_string().trim_end());
    }
    ExitCode::SUCCESS
}

fn fail(error: &anyhow::Error) -> ExitCode {
    complain(format!("error: {}", message(error)));
    if error.downcast_ref::<Usage>().is_some() {
        complain("\nFor more information, try 'taper --help'.");
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
