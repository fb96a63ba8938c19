//! What can be wrong with a file. The crates above wrap it in errors of their own, and keep its words.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: always with the file, what was tried or expected, and what came of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: Action,
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
    /// The file is sound, but nothing that can be used here.
    #[error("{}: {message}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is unfit.
        message: String,
    },
}

/// What was tried on a file or folder. Displayed, it goes on after "cannot".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Making the folder of a file to be written.
    CreateFolder,
    /// Making the temporary file beside the target.
    Create,
    /// Writing to it.
    Write,
    /// Bringing its bytes to the disk.
    Sync,
    /// Giving the complete file its name.
    PutInPlace,
    /// Bringing the new name to the disk.
    SyncFolder,
    /// Opening a file.
    Open,
    /// Asking for its length.
    ReadLength,
    /// Moving to a position in it.
    Seek,
    /// Reading.
    Read,
    /// Locking a folder.
    Lock,
}

impl Action {
    /// The words for it, e.g. `open`. All that a temporary file goes through is told as what becomes of the target.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::CreateFolder => "create the folder",
            Action::Create | Action::Write => "write",
            Action::Sync | Action::PutInPlace => "put in place",
            Action::SyncFolder => "sync the folder",
            Action::Open => "open",
            Action::ReadLength => "read the length",
            Action::Seek => "seek",
            Action::Read => "read",
            Action::Lock => "lock",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// The system's error of this kind, for callers that name the file in words of their own.
    pub fn into_io(self) -> io::Error {
        match self {
            Error::Io { source, .. } => source,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }

    pub(crate) fn io(path: &Path, action: Action) -> impl FnOnce(io::Error) -> Self {
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
}
