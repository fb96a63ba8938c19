//! Two small files beside the data: stamps of what has been verified, and digests recorded at first use.

use crate::Result;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use taper_files::atomic;

/// Which files were verified, by length and time of modification: `hex length nanoseconds path` a line. A file
/// that still has both is not hashed again at every start.
#[derive(Debug)]
pub(crate) struct Stamps {
    path: PathBuf,
    lines: BTreeMap<String, (String, u64, u128)>,
}

impl Stamps {
    pub(crate) const NAME: &'static str = ".taper-verified";

    /// The stamps in `dir`; damaged lines count as missing.
    pub(crate) fn load(dir: &Path) -> Self {
        let path = dir.join(Self::NAME);
        let text = read(&path);
        let parse = |line: &str| {
            let mut words = line.splitn(4, ' ');
            let stamp = (
                words.next()?.to_string(),
                words.next()?.parse().ok()?,
                words.next()?.parse().ok()?,
            );
            Some((words.next()?.to_string(), stamp))
        };
        Self {
            path,
            lines: text.lines().filter_map(parse).collect(),
        }
    }

    /// The digest of a file that has not changed since it was stamped.
    pub(crate) fn digest(&self, file: &Path) -> Option<String> {
        let (digest, len, modified) = self.lines.get(&key(file))?;
        (state(file)? == (*len, *modified)).then(|| digest.clone())
    }

    /// Stamps a file that has just been verified.
    pub(crate) fn set(mut self, file: &Path, digest: &str) -> Result<()> {
        let Some((len, modified)) = state(file) else {
            return Ok(());
        };
        self.lines
            .insert(key(file), (digest.to_string(), len, modified));
        let line = |(path, (digest, len, modified)): (&String, &(String, u64, u128))| {
            format!("{digest} {len} {modified} {path}\n")
        };
        let text: String = self.lines.iter().map(line).collect();
        Ok(atomic::write_all(&self.path, text.as_bytes())?)
    }
}

/// The text of one of these files, of which no more than a mebibyte is read; none if it cannot be read.
fn read(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).map(|file| file.take(1 << 20));
    match file.and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => text,
        Err(_) => String::new(),
    }
}

/// Length and time of modification in nanoseconds.
fn state(file: &Path) -> Option<(u64, u128)> {
    let metadata = fs::metadata(file).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), modified.as_nanos()))
}

/// The whole path, so that a moved or copied folder is verified afresh.
fn key(file: &Path) -> String {
    let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    path.to_string_lossy().replace('\n', " ")
}

/// Digests of raw files for which none is published, written down when they were first used, in the format of
/// `sha256sum`: `sha256sum -c taper.sha256` checks them too.
#[derive(Debug)]
pub(crate) struct Recorded {
    path: PathBuf,
    digests: BTreeMap<String, String>,
}

impl Recorded {
    pub(crate) const NAME: &'static str = "taper.sha256";

    /// The digests recorded in `dir`.
    pub(crate) fn load(dir: &Path) -> Self {
        let path = dir.join(Self::NAME);
        let text = read(&path);
        let digests = text
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(hex, name)| (name.into(), hex.into()));
        Self {
            digests: digests.collect(),
            path,
        }
    }

    /// The digest of the raw file `name`.
    pub(crate) fn digest(&self, name: &str) -> Option<String> {
        self.digests.get(name).cloned()
    }

    /// Records a digest.
    pub(crate) fn set(mut self, name: &str, digest: &str) -> Result<()> {
        if self.digests.get(name).is_some_and(|known| known == digest) {
            return Ok(());
        }
        self.digests.insert(name.into(), digest.into());
        let text: String = self
            .digests
            .iter()
            .map(|(name, hex)| format!("{hex}  {name}\n"))
            .collect();
        Ok(atomic::write_all(&self.path, text.as_bytes())?)
    }
}
