//! Files that appear whole or not at all: written under a temporary name beside the target, synced, renamed. A crash
//! or a full disk at any moment leaves either the previous file or the new one.

use crate::leftovers::SUFFIX;
use crate::lock::{self, Lock};
use crate::{Action, Error, Result, faults};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file under construction, locked while it is written. Dropping it without [`commit`](AtomicFile::commit)
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
    /// `None` once committed. Locked, so that [`leftovers`](crate::leftovers) sees that it has a writer.
    file: Option<File>,
    temporary: PathBuf,
    /// What is replaced: where symbolic links lead to.
    target: PathBuf,
    /// The name that was given, for messages.
    named: PathBuf,
}

impl AtomicFile {
    /// Starts the file that will be `target`, in a folder that exists. If `target` is a symbolic link, the file that it
    /// points to is replaced (or made), and the link stays. A file that is replaced keeps its mode, and its owner as far
    /// as the system allows; a new one has the mode that the umask leaves.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::Create`]; also if `target` is something other than a file, such as a device.
    pub fn create(target: &Path) -> Result<Self> {
        let resolved = follow(target).map_err(Error::io(target, Action::Create))?;
        Self::create_at(target, resolved).map_err(Error::io(target, Action::Create))
    }

    /// As [`create`](Self::create), and makes the folder if need be, with those above it.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::CreateFolder`], which names the folder, or [`Action::Create`].
    pub fn create_all(target: &Path) -> Result<Self> {
        let resolved = follow(target).map_err(Error::io(target, Action::Create))?;
        let folder = folder_of(&resolved);
        fs::create_dir_all(folder).map_err(Error::io(folder, Action::CreateFolder))?;
        Self::create_at(target, resolved).map_err(Error::io(target, Action::Create))
    }

    fn create_at(named: &Path, target: PathBuf) -> io::Result<Self> {
        let old = match fs::symlink_metadata(&target) {
            Ok(old) if old.is_file() => Some(old),
            // Found out when it is put in place, as it always was.
            Ok(old) if old.is_dir() => None,
            Ok(_) => {
                let message = "it is no file that could be replaced";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Err(_) => None,
        };
        faults::step(&target, Action::Create)?;
        let (file, temporary) = new_beside(&target)?;
        let new = Self {
            file: Some(file),
            temporary,
            target,
            named: named.to_path_buf(),
        };
        if let (Some(old), Some(file)) = (&old, &new.file) {
            // Before anything is written to it: what was private stays so. Where the system refuses, as file systems
            // without modes do, the file is no worse than any new one.
            let _ = keep_owner(file, old);
            let _ = file.set_permissions(old.permissions());
        }
        Ok(new)
    }

    /// Syncs the contents and puts the file in place.
    ///
    /// # Errors
    /// [`Error::Io`] with [`Action::Sync`] or [`Action::PutInPlace`]; the target is then as it was.
    pub fn commit(mut self) -> Result<()> {
        if let Some(file) = &self.file {
            faults::step(&self.target, Action::Sync)
                .and_then(|()| file.sync_all())
                .map_err(Error::io(&self.named, Action::Sync))?;
        }
        // From here on, dropping removes nothing. Some systems demand that a file is closed before it is renamed; on
        // others it stays locked until it has its name.
        let mut file = self.file.take();
        if cfg!(not(unix)) {
            file = None;
        }
        let renamed = faults::step(&self.target, Action::PutInPlace)
            .and_then(|()| fs::rename(&self.temporary, &self.target));
        renamed.map_err(|source| {
            let _ = fs::remove_file(&self.temporary);
            Error::io(&self.named, Action::PutInPlace)(source)
        })?;
        drop(file);
        Ok(())
    }

    /// As [`commit`](Self::commit), and syncs the folder, so that the new name itself survives a loss of power, on
    /// systems and folders that can be synced: the file stands, and that others cannot is no failure.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), and [`Error::Io`] with [`Action::SyncFolder`] when the disk fails or is full.
    pub fn commit_durably(self) -> Result<()> {
        let target = self.target.clone();
        self.commit()?;
        sync_folder_of(&target)
    }

    /// The file, until it is committed.
    fn open(&mut self) -> io::Result<&mut File> {
        let file = self.file.as_mut();
        file.ok_or_else(|| io::Error::other("the file is already in place"))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(fault) = faults::step(&self.target, Action::Write) {
            let _ = self.open()?.write(&bytes[..bytes.len() / 2]); // as a full disk does
            return Err(fault);
        }
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

/// Adds `bytes` at the end of `target`, in a folder that exists, and syncs them; makes the file if need be. When that
/// fails, what was added of them is taken away again, so far as the system still allows that.
///
/// # Errors
/// [`Error::Io`].
pub fn append(target: &Path, bytes: &[u8]) -> Result<()> {
    let opened = faults::step(target, Action::Open)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(target));
    let mut file = opened.map_err(Error::io(target, Action::Open))?;
    let metadata = file.metadata();
    let before = metadata
        .map_err(Error::io(target, Action::ReadLength))?
        .len();
    let mut add = || {
        if let Err(fault) = faults::step(target, Action::Write) {
            let _ = file.write(&bytes[..bytes.len() / 2]);
            return Err(fault);
        }
        file.write_all(bytes)?;
        faults::step(target, Action::Sync)?;
        file.sync_data()
    };
    let added = add();
    added.map_err(|source| {
        let _ = file.set_len(before);
        Error::io(target, Action::Write)(source)
    })?;
    if before == 0 {
        sync_folder_of(target)?;
    }
    Ok(())
}

fn fill(mut file: AtomicFile, bytes: &[u8]) -> Result<()> {
    let written = file.write_all(bytes);
    written.map_err(Error::io(&file.named, Action::Write))?;
    file.commit()
}

/// Makes a file of a name that nobody has, and locks it. The name is random: processes of different containers or hosts
/// have the same ids, and the same counts.
fn new_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    /// Bytes of the target's name that a temporary name shows: with the rest it stays below the usual 255.
    const SHOWN: usize = 200;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let whole = |&end: &usize| name.is_char_boundary(end);
    let end = (0..=name.len().min(SHOWN)).rev().find(whole);
    let shown = &name[..end.unwrap_or(0)];
    for _ in 0..1000 {
        // Every `RandomState` has keys of its own, from the system's random numbers.
        let random = std::hash::RandomState::new().build_hasher().finish();
        let temporary = folder_of(target).join(format!(".{shown}.{random:016x}{SUFFIX}"));
        let file = match OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        // Between the two calls somebody may have taken it for left behind, and is about to remove it.
        match lock::try_lock(&file) {
            Lock::Held if !lock::is_at(&file, &temporary) => {}
            Lock::Busy => {}
            Lock::Held | Lock::Unsupported(_) => return Ok((file, temporary)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Where a symbolic link leads to in the end, whether or not something is there; any other path as it is.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                path = folder_of(&path).join(fs::read_link(&path)?);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(unix)]
fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _old: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    let parent = target.parent();
    parent
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Brings the name of a file that stands to the disk. A folder that may not be read, and a file system that cannot sync
/// one, are no failure; a disk that fails is.
fn sync_folder_of(target: &Path) -> Result<()> {
    let folder = folder_of(target);
    let synced = faults::step(target, Action::SyncFolder).and_then(|()| sync_folder(folder));
    match synced {
        Err(error) if is_the_disk(&error) => Err(Error::io(folder, Action::SyncFolder)(error)),
        _ => Ok(()),
    }
}

fn is_the_disk(error: &io::Error) -> bool {
    const EIO: i32 = 5; // the same number on every Unix
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded) || error.raw_os_error() == Some(EIO)
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
    use crate::faults::{Fail, Faults};

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

    /// Whatever fails, and whether the disk recovers or not: what was acknowledged is there, everything else is as it
    /// was, and nothing is left behind.
    #[test]
    fn every_step_may_fail() {
        let durably = |target: &Path, bytes: &[u8]| {
            let mut file = AtomicFile::create(target)?;
            let (a, b) = bytes.split_at(bytes.len() / 2);
            let written = file.write_all(a).and_then(|()| file.write_all(b));
            written.map_err(Error::io(target, Action::Write))?;
            file.commit_durably()
        };
        type Replace<'a> = &'a dyn Fn(&Path, &[u8]) -> Result<()>;
        let ways: [(&str, Replace<'_>); 3] = [
            ("write", &write),
            ("write_all", &write_all),
            ("durably", &durably),
        ];
        for (way, replace) in ways {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("file");
            write(&target, b"old").unwrap();
            let counting = Faults::below(folder.path(), Fail::Never);
            replace(&target, b"old").unwrap();
            let steps = counting.seen().len();
            drop(counting);
            assert!(steps >= 4, "{way}: {steps}");
            for step in 0..steps {
                for fail in [Fail::Once(step), Fail::From(step)] {
                    write(&target, b"old").unwrap();
                    let faults = Faults::below(folder.path(), fail);
                    let done = replace(&target, b"new");
                    let action = faults.seen()[step];
                    drop(faults);
                    let found = fs::read(&target).unwrap();
                    assert!(done.is_err(), "{way}: {action} did not fail");
                    // The name stands although it was not brought to the disk: that is not acknowledged.
                    let expected: &[u8] = if action == Action::SyncFolder {
                        b"new"
                    } else {
                        b"old"
                    };
                    assert_eq!(found, expected, "{way}: {action}, {fail:?}");
                    assert_eq!(
                        fs::read_dir(folder.path()).unwrap().count(),
                        1,
                        "{way}: {action}"
                    );
                }
            }
        }
    }

    #[test]
    fn appending_adds_all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("lines");
        append(&target, b"one\n").unwrap();
        for step in 0..3 {
            let faults = Faults::below(folder.path(), Fail::From(step));
            append(&target, b"two\n").unwrap_err();
            assert_eq!(faults.seen().len(), step + 1);
            drop(faults);
            assert_eq!(fs::read(&target).unwrap(), b"one\n");
        }
        append(&target, b"two\n").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn many_writers_of_one_file_are_all_served() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        std::thread::scope(|scope| {
            for i in 0..8u8 {
                let target = &target;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write(target, &[i; 1000]).unwrap();
                        crate::leftovers::remove(target.parent().unwrap());
                        let found = fs::read(target).unwrap();
                        assert!(found.len() == 1000 && found.iter().all(|&byte| byte == found[0]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_up_to_the_limit_work() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(255), "é".repeat(127), "x".repeat(230)] {
            let target = folder.path().join(name);
            write(&target, b"whole").unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"whole");
        }
        assert!(write(&folder.path().join("a".repeat(256)), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().mode() & 0o7777
        }

        #[test]
        fn a_replaced_file_keeps_its_mode_and_a_new_one_has_that_of_any_new_file() {
            let folder = tempfile::tempdir().unwrap();
            let (target, plain) = (folder.path().join("file"), folder.path().join("plain"));
            write(&target, b"new").unwrap();
            fs::write(&plain, b"").unwrap();
            assert_eq!(mode(&target), mode(&plain));
            for wanted in [0o600, 0o640, 0o664, 0o755, 0o444] {
                fs::set_permissions(&target, fs::Permissions::from_mode(wanted)).unwrap();
                let half = AtomicFile::create(&target).unwrap();
                assert_eq!(mode(&half.temporary), wanted);
                drop(half);
                write(&target, b"again").unwrap();
                assert_eq!(mode(&target), wanted);
            }
        }

        #[test]
        fn links_are_written_through() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            fs::create_dir(at("other")).unwrap();
            symlink("other/file", at("link")).unwrap();
            symlink("link", at("twice")).unwrap();
            for bytes in [b"made", b"anew"] {
                write(&at("twice"), bytes).unwrap();
                assert_eq!(fs::read(at("other/file")).unwrap(), bytes);
            }
            assert!(at("link").is_symlink() && at("twice").is_symlink());
            assert_eq!(fs::read_dir(at("other")).unwrap().count(), 1);
            symlink("round", at("round")).unwrap();
            write(&at("round"), b"").unwrap_err();
            symlink("/dev/null", at("null")).unwrap();
            let error = write(&at("null"), b"").unwrap_err().to_string();
            assert!(error.contains("no file that could be replaced"), "{error}");
        }

        #[test]
        fn a_folder_that_cannot_be_synced_is_no_failure() {
            let folder = tempfile::tempdir().unwrap();
            let inner = folder.path().join("inner");
            fs::create_dir(&inner).unwrap();
            fs::set_permissions(&inner, fs::Permissions::from_mode(0o300)).unwrap();
            let target = inner.join("file");
            let mut file = AtomicFile::create(&target).unwrap();
            file.write_all(b"whole").unwrap();
            let done = file.commit_durably();
            fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).unwrap();
            done.unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"whole");
            // Privileged users open any folder: what the system says of others.
            for harmless in [13, 22, 95, 38] {
                assert!(!is_the_disk(&io::Error::from_raw_os_error(harmless)));
            }
            assert!(is_the_disk(&io::Error::from_raw_os_error(5)));
        }
    }
}
