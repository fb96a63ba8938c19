//! What can go wrong with files, digests, indices and downloads, told so that a user can act on it.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: always with the file or data set, what was expected, and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, e.g. `open`.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not what its format demands.
    #[error("{}: byte {offset}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, from 0. For gzip files it counts compressed bytes.
        offset: u64,
        /// What the format demands there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The bytes of a file are not the ones its digest stands for.
    #[error("{}: SHA-256 is {found}, expected {expected} ({origin}); {advice}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// Hexadecimal SHA-256 that was expected.
        expected: String,
        /// Hexadecimal SHA-256 of the file.
        found: String,
        /// Where the expectation comes from.
        origin: &'static str,
        /// What to do.
        advice: String,
    },
    /// The file is sound but holds something unfit, such as a label beyond the last class.
    #[error("{}: {message}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is unfit.
        message: String,
    },
    /// Files of a data set are nowhere to be found.
    #[error("{dataset}: missing {}\n  looked in: {}\n  {help}", files.join(", "), list(searched))]
    Missing {
        /// Name of the data set.
        dataset: String,
        /// Raw names of the files that are missing.
        files: Vec<String>,
        /// Folders that were searched.
        searched: Vec<PathBuf>,
        /// How to get them.
        help: String,
    },
    /// No data set of this name is in the catalog.
    #[error("unknown data set `{name}`; known are: {known}")]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// All names of the catalog.
        known: String,
    },
    /// Shapes or ranges that do not fit, e.g. a subset longer than its data set.
    #[error("{operation}: {message}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// What does not fit.
        message: String,
    },
    /// A sample cannot be read, or has no use.
    #[error("{dataset}: sample {index}: {message}")]
    Sample {
        /// Name of the data set.
        dataset: String,
        /// The sample's position in it.
        index: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A download failed on every mirror.
    #[error("{dataset}: {file} could not be downloaded\n{}\n  {help}", attempts.join("\n"))]
    Download {
        /// Name of the data set.
        dataset: String,
        /// The file.
        file: String,
        /// One line per mirror: its address and why it failed.
        attempts: Vec<String>,
        /// How to place the files by hand.
        help: String,
    },
}

/// Trouble with a file, whichever crate has noticed it, reads the same.
impl From<taper_files::Error> for Error {
    fn from(error: taper_files::Error) -> Self {
        use taper_files::Error as File;
        match error {
            File::Io {
                path,
                action,
                source,
            } => Error::Io {
                path,
                action: action.as_str(),
                source,
            },
            File::Format {
                path,
                offset,
                expected,
                found,
            } => Error::Format {
                path,
                offset,
                expected,
                found,
            },
            File::Contents { path, message } => Error::Contents { path, message },
        }
    }
}

impl Error {
    /// An error about one sample, for data sets of one's own: `message` may be the error that is behind it.
    ///
    /// ```
    /// use taper_datasets::Error;
    /// let error = Error::sample("birds/train", 17, "robin.png is not a picture");
    /// assert_eq!(error.to_string(), "birds/train: sample 17: robin.png is not a picture");
    /// ```
    pub fn sample(dataset: impl Into<String>, index: usize, message: impl ToString) -> Self {
        Error::Sample {
            dataset: dataset.into(),
            index,
            message: message.to_string(),
        }
    }

    /// A sample was asked for that is beyond the last one.
    pub(crate) fn beyond(dataset: &str, index: usize, samples: usize) -> Self {
        let message = format!("there are {samples} samples, counted from 0");
        Error::sample(dataset, index, message)
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Error::Io {
            path,
            action,
            source,
        }
    }

    pub(crate) fn format(
        path: &Path,
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Error::Format {
            path: path.to_path_buf(),
            offset,
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn contents(path: &Path, message: impl Into<String>) -> Self {
        Error::Contents {
            path: path.to_path_buf(),
            message: message.into(),
        }
    }

    pub(crate) fn shape(operation: &'static str, message: impl Into<String>) -> Self {
        Error::Shape {
            operation,
            message: message.into(),
        }
    }

    /// Whether the system refused to write here, so that reading into memory may be tried instead.
    pub(crate) fn is_read_only(&self) -> bool {
        use io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Error::Io { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem | NotADirectory))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
