//! What can go wrong around a study, worded for the person at the keyboard: which file, which key, what to do.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A study file that cannot be understood or run.
    #[error("study {origin}: {message}")]
    Study {
        /// The file, or the name of a bundled study.
        origin: String,
        /// What is wrong in it and what is allowed instead.
        message: String,
    },
    /// A file or folder that could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried: "reading", "writing", …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder that is no run, or a damaged one.
    #[error("{}: {message}", path.display())]
    Run {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A job of a study failed.
    #[error("variant `{variant}`, seed {seed}: {message}")]
    Job {
        /// Variant of the job.
        variant: String,
        /// Seed of the job.
        seed: u64,
        /// What failed.
        message: String,
    },
    /// A data set that cannot be had.
    #[error(transparent)]
    Data(#[from] taper_datasets::Error),
    /// Data and network do not fit each other.
    #[error("{0}")]
    Fit(String),
    /// A picture that cannot be predicted.
    #[error("{}: {message}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The report could not be made.
    #[error("report: {0}")]
    Report(String),
    /// A model or layer refused its input.
    #[error(transparent)]
    Nn(#[from] taper_nn::Error),
    /// Training or evaluation failed.
    #[error(transparent)]
    Train(#[from] taper_train::Error),
    /// A checkpoint that cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] taper_checkpoint::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err`: an input/output error with the file it happened on.
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Error + 'a {
        move |source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// A folder or file that is not what a run keeps there.
    pub(crate) fn run(path: &Path, message: impl Into<String>) -> Error {
        Error::Run {
            path: path.to_owned(),
            message: message.into(),
        }
    }
}
