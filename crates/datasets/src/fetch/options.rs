//! How to download, and what is told meanwhile.

use crate::FileStatus;
use std::path::Path;
use std::time::Duration;

/// What a download is doing, for progress displays. `file` is the name of the file being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The file is there and sound; nothing to do.
    Present {
        /// The file.
        file: &'a str,
    },
    /// A server has answered.
    Started {
        /// The file.
        file: &'a str,
        /// Its address.
        url: &'a str,
        /// Bytes already here from an earlier attempt.
        from: u64,
        /// Bytes of the whole, if the server says.
        total: Option<u64>,
    },
    /// Bytes have arrived.
    Advanced {
        /// The file.
        file: &'a str,
        /// Bytes here so far.
        bytes: u64,
        /// Bytes of the whole, if known.
        total: Option<u64>,
    },
    /// The same mirror is tried again after a pause.
    Retry {
        /// The file.
        file: &'a str,
        /// Its address.
        url: &'a str,
        /// Why the last attempt failed.
        reason: &'a str,
        /// The pause.
        wait: Duration,
    },
    /// Another process is fetching into the same folder; its turn is waited for.
    Waiting {
        /// The folder.
        dir: &'a Path,
    },
    /// This mirror is given up.
    MirrorFailed {
        /// The file.
        file: &'a str,
        /// Its address there.
        url: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// All bytes are here; they are being unpacked and verified.
    Verifying {
        /// The file.
        file: &'a str,
    },
    /// The file is in place.
    Done {
        /// What is known of it, [`Trust::FirstUse`](crate::Trust::FirstUse) being worth telling the user.
        status: &'a FileStatus,
    },
}

/// How to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Base addresses to use in place of the catalog's mirrors; files are expected at `<base>/<name>.gz`.
    /// Default: the environment variable `TAPER_MIRROR` (one address), else `None`.
    pub mirrors: Option<Vec<String>>,
    /// Attempts per mirror that bring no byte before it is given up. Default: 4.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles with every further one, up to 8 s. Default: 500 ms.
    pub pause: Duration,
    /// Time to connect, to be answered, and between two pieces of the file. Default: 30 s.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let mirrors = std::env::var("TAPER_MIRROR")
            .ok()
            .filter(|base| !base.is_empty())
            .map(|base| vec![base]);
        Self {
            mirrors,
            attempts: 4,
            pause: Duration::from_millis(500),
            timeout: Duration::from_secs(30),
        }
    }
}
