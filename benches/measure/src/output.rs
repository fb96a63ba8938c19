//! What goes to the terminal: results to standard output, and how a command ended badly.

use std::process::ExitCode;

pub(crate) use taper_experiments::console::{complain, ended, murmur, say};

use crate::usage::is_usage;

/// Prints the message of an error; its exit code: 1, or 2 for wrong usage.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(told) = error.downcast_ref::<clap::Error>() {
        let text = told.render().to_string();
        if told.use_stderr() {
            complain(text.trim_end());
            return ExitCode::from(2);
        }
        say(text.trim_end());
        return ExitCode::SUCCESS;
    }
    complain(format!("error: {}", message(error)));
    if is_usage(error) {
        complain("\n`cargo xtask bench --help` lists what can be measured.");
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
