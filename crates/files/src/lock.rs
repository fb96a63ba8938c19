//! Locks that a crash releases: one process at a time works in a folder, and what a dead one has left behind is told
//! from what a live one is writing. They are the system's (`flock`), so nothing has to be guessed from process ids,
//! which differ between containers and hosts.

use crate::{Action, Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is locked, in the folder. It is removed when the lock is released; one that a killed process has left
/// behind holds nothing up.
pub const NAME: &str = ".taper-lock";

/// How often a waiting process looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The only process that works in a folder, until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
}

/// What came of trying to lock a folder.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Held(FolderLock),
    /// Another process has it; its id, if it could be read.
    Busy(Option<u32>),
    /// The file system has no locks (some network file systems), for this reason.
    Unsupported(io::Error),
}

impl FolderLock {
    /// Locks a folder that exists, or says who has it.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written to.
    pub fn attempt(folder: &Path) -> Result<Attempt> {
        let path = folder.join(NAME);
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(Error::io(&path, Action::Lock))?;
            match try_lock(&file) {
                Lock::Held if is_at(&file, &path) => {}
                // Its last holder has removed it meanwhile: there is another one, or none, under that name.
                Lock::Held => continue,
                Lock::Busy => {
                    let mut text = String::new();
                    let _ = (&file).take(20).read_to_string(&mut text);
                    return Ok(Attempt::Busy(text.trim().parse().ok()));
                }
                Lock::Unsupported(reason) => {
                    let _ = std::fs::remove_file(&path);
                    return Ok(Attempt::Unsupported(reason));
                }
            }
            // For messages only.
            let _ = file.set_len(0);
            let _ = file.rewind();
            let _ = writeln!(file, "{}", std::process::id());
            return Ok(Attempt::Held(FolderLock { file, path }));
        }
    }

    /// Locks a folder that exists, waiting until it is free; `None` where there are no locks. `waiting` is called once,
    /// before the wait.
    ///
    /// # Errors
    /// As [`attempt`](Self::attempt).
    pub fn wait(folder: &Path, waiting: impl FnOnce()) -> Result<Option<Self>> {
        let mut waiting = Some(waiting);
        loop {
            match Self::attempt(folder)? {
                Attempt::Held(lock) => return Ok(Some(lock)),
                Attempt::Unsupported(_) => return Ok(None),
                Attempt::Busy(_) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While the lock is held, so that nobody locks a file that is about to go without noticing. Elsewhere an open
        // file cannot be removed: there it stays.
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What came of trying to lock an open file.
pub(crate) enum Lock {
    Held,
    Busy,
    Unsupported(io::Error),
}

/// Locks an open file until it is closed.
pub(crate) fn try_lock(file: &File) -> Lock {
    match file.try_lock() {
        Ok(()) => Lock::Held,
        Err(TryLockError::WouldBlock) => Lock::Busy,
        Err(TryLockError::Error(reason)) => Lock::Unsupported(reason),
    }
}

/// Whether the open file still has this name.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Elsewhere open files keep their names.
#[cfg(not(unix))]
pub(crate) fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(folder: &Path) -> FolderLock {
        match FolderLock::attempt(folder).unwrap() {
            Attempt::Held(lock) => lock,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_second_is_told_who_has_it_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = held(folder.path());
        let Attempt::Busy(holder) = FolderLock::attempt(folder.path()).unwrap() else {
            panic!("locked twice");
        };
        assert_eq!(holder, Some(std::process::id()));
        drop(first);
        #[cfg(unix)]
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // What a killed process leaves behind is no lock.
        std::fs::write(folder.path().join(NAME), "1\n").unwrap();
        drop(held(folder.path()));
        assert!(FolderLock::attempt(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn many_that_wait_are_never_in_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = FolderLock::wait(folder.path(), || {}).unwrap().unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }
}
