//! Files that appear whole or not at all: written under a temporary name beside the target, synced, renamed. A crash
//! or a full disk at any moment leaves either the previous file or the new one.

use crate::{Action, Error, Result};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file under construction, with the rights of any new file. Dropping it without [`commit`](AtomicFile::commit)
/// removes it.
///
/// ```
/// use std::io::Write;
/// use taper_files::atomic::AtomicFile;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("result");
/// let mut file = AtomicFile::create(&path)?;
/// file.write_all(b"whole")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    /// `None` once committed.
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts the file that will be `target`, in a folder that exists.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::Create`].
    pub fn create(target: &Path) -> Result<Self> {
        // Process id and count keep two writers of the same file apart; the last rename wins, both are whole. What a
        // killed process of the same id has left behind is stepped over, never opened.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary =
                folder_of(target).join(format!(".{name}.{process}-{count}.taper-partial"));
            match File::create_new(&temporary) {
                Ok(file) => {
                    return Ok(Self {
                        file: Some(file),
                        temporary,
                        target: target.to_path_buf(),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(target, Action::Create)(error)),
            }
        }
    }

    /// As [`create`](Self::create), and makes the folder if need be, with those above it.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::CreateFolder`], which names the folder, or [`Action::Create`].
    pub fn create_all(target: &Path) -> Result<Self> {
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(Error::io(folder, Action::CreateFolder))?;
        Self::create(target)
    }

    /// Syncs the contents and puts the file in place.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::Sync`] or [`Action::PutInPlace`]; the target is then as it was.
    pub fn commit(mut self) -> Result<()> {
        if let Some(file) = &self.file {
            file.sync_all()
                .map_err(Error::io(&self.target, Action::Sync))?;
        }
        // Closed before it is renamed, which some systems demand; from here on, dropping removes nothing.
        drop(self.file.take());
        fs::rename(&self.temporary, &self.target).map_err(|source| {
            let _ = fs::remove_file(&self.temporary);
            Error::io(&self.target, Action::PutInPlace)(source)
        })
    }

    /// As [`commit`](Self::commit), and syncs the folder, so that the new name itself survives a loss of power.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`Error::Io`] with [`Action::SyncFolder`].
    pub fn commit_durably(self) -> Result<()> {
        let target = self.target.clone();
        self.commit()?;
        let folder = folder_of(&target);
        sync_folder(folder).map_err(Error::io(folder, Action::SyncFolder))
    }

    /// The file, until it is committed.
    fn open(&mut self) -> io::Result<&mut File> {
        let file = self.file.as_mut();
        file.ok_or_else(|| io::Error::other("the file is already in place"))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.open()?.seek(to)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces `target`, in a folder that exists, by `bytes`.
///
/// # Errors
/// [`Error::Io`].
pub fn write(target: &Path, bytes: &[u8]) -> Result<()> {
    fill(AtomicFile::create(target)?, bytes)
}

/// As [`write()`], and makes the folder if need be.
///
/// # Errors
/// [`Error::Io`].
pub fn write_all(target: &Path, bytes: &[u8]) -> Result<()> {
    fill(AtomicFile::create_all(target)?, bytes)
}

fn fill(mut file: AtomicFile, bytes: &[u8]) -> Result<()> {
    let written = file.write_all(bytes);
    written.map_err(Error::io(&file.target, Action::Write))?;
    file.commit()
}

fn folder_of(target: &Path) -> &Path {
    let parent = target.parent();
    parent
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened for syncing elsewhere; there the rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_file_leaves_nothing_and_the_old_one_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/er/file");
        write_all(&target, b"old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
        write(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_cannot_be_put_in_place_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("taken");
        fs::create_dir_all(target.join("by a folder")).unwrap();
        let error = write(&target, b"new").unwrap_err();
        let Error::Io { path, action, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((path, action), (target, Action::PutInPlace));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_made_only_where_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("missing/file");
        let error = AtomicFile::create(&target).unwrap_err();
        assert!(
            matches!(&error, Error::Io { path, action: Action::Create, .. } if *path == target),
            "{error}"
        );
        let mut file = AtomicFile::create_all(&target).unwrap();
        file.write_all(b"[head] body").unwrap();
        file.rewind().unwrap();
        file.write_all(b"(head)").unwrap();
        file.commit_durably().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"(head) body");
    }
}
