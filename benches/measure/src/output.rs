//! What goes to the terminal: results to standard output, and how a command ended badly.

use std::io::Write;
use std::process::ExitCode;

use crate::usage::is_usage;

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
struct Closed;

/// Prints a text and a line's end; a closed pipe ends the program quietly.
pub(crate) fn say(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Closed.into()),
        other => Ok(other?),
    }
}

/// Prints the message of an error; its exit code: 1, or 2 for wrong usage.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever reads our output has had enough: that is no failure.
    if error.downcast_ref::<Closed>().is_some() {
        return ExitCode::SUCCESS;
    }
    if let Some(told) = error.downcast_ref::<clap::Error>() {
        let _ = told.print();
        return ExitCode::from(if told.use_stderr() { 2 } else { 0 });
    }
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {}", message(error));
    if is_usage(error) {
        let _ = writeln!(
            out,
            "\n`cargo xtask bench --help` lists what can be measured."
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

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn causes_are_said_once() {
        let cause = || std::io::Error::other("disk full");
        let error = anyhow::Error::new(cause()).context("write results");
        assert_eq!(message(&error), "write results: disk full");
        let quoted = anyhow::Error::new(cause()).context("write results (disk full)");
        assert_eq!(message(&quoted), "write results (disk full)");
    }
}
