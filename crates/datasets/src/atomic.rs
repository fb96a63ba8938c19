//! Files that appear whole or not at all: written under a temporary name beside the target, synced, renamed.

use crate::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file under construction. Dropping it without [`commit`](AtomicFile::commit) removes it.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    /// `None` once committed.
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts the file that will be `target`, and makes its folder if need be.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        // Process id and counter keep two writers of the same file apart; the last rename wins, both are whole.
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(Error::io(folder, "create the folder"))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{name}.{}-{number}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary);
        let file = file.map_err(Error::io(target, "write"))?;
        Ok(Self {
            file: Some(file),
            temporary,
            target: target.to_path_buf(),
        })
    }

    /// Syncs the contents and puts the file in place.
    pub(crate) fn commit(mut self) -> Result<()> {
        if let Some(file) = self.file.take() {
            let done = file.sync_all().and_then(|()| {
                drop(file);
                fs::rename(&self.temporary, &self.target)
            });
            if let Err(source) = done {
                let _ = fs::remove_file(&self.temporary);
                return Err(Error::io(&self.target, "put in place")(source));
            }
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the file is already in place")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces `target` by `bytes`, whole or not at all.
pub(crate) fn write(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(target)?;
    file.write_all(bytes).map_err(Error::io(target, "write"))?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_file_leaves_nothing_and_the_old_one_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/er/file");
        write(&target, b"old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
        write(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }
}
