//! How a command can end badly: exit code 1 with one clear message, 2 for wrong usage. (A launched
//! program has this process to itself, and its own exit code.)

use std::fmt::Display;
use std::process::ExitCode;

use crate::output::complain;

pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something did not work; the message says what, and what to do.
    Failed(String),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure::Usage(message.into())
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure::Failed(message.into())
    }

    /// Prints the message, if there is one, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Failure::Usage(message) => {
                complain(&format!(
                    "error: {message}\n\n`cargo xtask --help` lists the commands."
                ));
                ExitCode::from(2)
            }
            Failure::Failed(message) => {
                complain(&format!("error: {message}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// Says what was being done when an error of the system came up.
pub(crate) trait Context<T> {
    fn context(self, doing: impl Display) -> Result<T>;
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, doing: impl Display) -> Result<T> {
        self.map_err(|error| Failure::failed(format!("{doing}: {error}")))
    }
}
