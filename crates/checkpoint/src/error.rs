//! What can be wrong with a checkpoint: one kind for every way a file can be bad, so that a program can tell them apart
//! and a person knows what to do.

use std::{io, path::Path, path::PathBuf};

/// Result of reading or writing checkpoints.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and with which file.
#[derive(Debug)]
pub struct Error {
    path: Option<PathBuf>,
    kind: ErrorKind,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The file, when there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The same error with the file's name.
    pub(crate) fn at(self, path: &Path) -> Self {
        Error {
            path: Some(path.to_path_buf()),
            kind: self.kind,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { path: None, kind }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.kind),
            None => self.kind.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// The ways in which reading or writing a checkpoint fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted, e.g. `cannot open the checkpoint`.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The file does not begin with the magic number.
    #[error("not a Taper checkpoint: it begins with the bytes {found:02x?} instead of {expected:02x?}", expected = crate::header::MAGIC)]
    NotACheckpoint {
        /// The first bytes of the file (at most 8).
        found: Vec<u8>,
    },
    /// Written by a later version of Taper.
    #[error(
        "checkpoint format version {found} is newer than the {supported} that this version of Taper reads; use a newer Taper"
    )]
    NewerVersion {
        /// The version in the file.
        found: u32,
        /// The newest version that can be read.
        supported: u32,
    },
    /// The header's checksum is right, but its version or reserved field holds a value that no version writes.
    #[error("the checkpoint's header is invalid: {message}")]
    InvalidHeader {
        /// What is wrong.
        message: String,
    },
    /// Header or payload are not what was written.
    #[error(
        "the checkpoint is damaged: the checksum of its {part} is {found:08x}, but {expected:08x} was written; use another copy"
    )]
    Checksum {
        /// `header` or `payload`.
        part: &'static str,
        /// The checksum in the file.
        expected: u32,
        /// The checksum of what is there.
        found: u32,
    },
    /// The file ends before the header or the payload does.
    #[error(
        "the checkpoint is truncated: {found} bytes of {expected}; the copy or download was cut off, use another copy"
    )]
    Truncated {
        /// Bytes the file should have (32 when not even the header is complete).
        expected: u64,
        /// Bytes it has.
        found: u64,
    },
    /// The header announces more than any checkpoint may hold.
    #[error("the checkpoint announces {length} bytes of content, more than the {limit} allowed")]
    TooLong {
        /// The announced length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// There are bytes after the payload.
    #[error("{count} bytes follow the end of the checkpoint; something was appended to the file")]
    TrailingBytes {
        /// How many.
        count: u64,
    },
    /// The payload passes its checksum but breaks the format's rules.
    #[error("the checkpoint's content is malformed at byte {offset} of the file: {message}")]
    Malformed {
        /// Offset in the file.
        offset: u64,
        /// Which rule is broken.
        message: String,
    },
    /// This content cannot be written.
    #[error("the checkpoint cannot be written: {message}")]
    Invalid {
        /// Why.
        message: String,
    },
}

impl ErrorKind {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self)
    }

    /// For `map_err`: what was attempted.
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| ErrorKind::Io { action, source }.into()
    }
}
