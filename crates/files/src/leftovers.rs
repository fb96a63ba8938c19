//! What killed processes have left behind: temporary files that will never be completed. Each is locked while it is
//! written (see [`atomic`](crate::atomic)), and the system releases the lock of a process that ends, so that a file that
//! can be locked has no writer.

use crate::lock::{Lock, try_lock};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How temporary files end.
pub(crate) const SUFFIX: &str = ".taper-partial";

/// Where there are no locks, what nobody has written to for so long is taken for left behind.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the temporary files in `folder` that have no writer any more, and says which. Others' files, folders below,
/// and what cannot be read or removed are left alone.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join(".last.taper.0123456789abcdef.taper-partial"), "half")?;
/// std::fs::write(folder.path().join("last.taper"), "whole")?;
/// assert_eq!(taper_files::leftovers::remove(folder.path()).len(), 1);
/// assert!(folder.path().join("last.taper").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_ours(&entry.file_name()))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| without_writer(path).is_some_and(|_lock| fs::remove_file(path).is_ok()))
        .collect()
}

/// `.<name>.<sixteen hexadecimal digits>.taper-partial`; earlier versions had `<process>-<count>` for the digits.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let Some(start) = name.strip_suffix(SUFFIX) else {
        return false;
    };
    let Some((start, unique)) = start.rsplit_once('.') else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let random = unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    let counted = unique
        .split_once('-')
        .is_some_and(|(a, b)| digits(a) && digits(b));
    start.starts_with('.') && (random || counted)
}

/// The file, open and locked. The lock is held until the file is removed: its writer, had it only just made it, finds
/// it locked or without a name, and takes another one.
fn without_writer(path: &Path) -> Option<File> {
    let open = OpenOptions::new().read(true).write(true).open(path);
    let file = open.or_else(|_| File::open(path)).ok()?;
    let dead = match try_lock(&file) {
        Lock::Held => true,
        Lock::Busy => false,
        Lock::Unsupported(_) => {
            let modified = file.metadata().and_then(|metadata| metadata.modified());
            SystemTime::now().duration_since(modified.ok()?).ok()? > OLD
        }
    };
    dead.then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::AtomicFile;
    use std::io::Write;

    #[test]
    fn what_the_dead_left_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let dead = [
            ".last.taper.00ff00ff00ff00ff.taper-partial",
            ".last.taper.17-0.taper-partial",
            "..0123456789abcdef.taper-partial",
        ];
        let others = [
            "last.taper",
            ".last.taper.taper-partial",
            "last.taper.00ff00ff00ff00ff.taper-partial",
            ".notes.17.taper-partial",
            ".last.taper.00ff00ff00ff00ff.taper-partial.bak",
            ".x.00ff00ff00ff00f.taper-partial",
        ];
        for name in dead.iter().chain(&others) {
            fs::write(at(name), "half").unwrap();
        }
        fs::create_dir(at(".folder.00ff00ff00ff00ff.taper-partial")).unwrap();
        let mut alive = AtomicFile::create(&at("best.taper")).unwrap();
        alive.write_all(b"whole").unwrap();
        assert_eq!(remove(folder.path()).len(), dead.len());
        assert!(dead.iter().all(|name| !at(name).exists()));
        assert!(others.iter().all(|name| at(name).exists()));
        alive.commit().unwrap();
        assert_eq!(fs::read(at("best.taper")).unwrap(), b"whole");
        assert!(remove(&at("missing")).is_empty());
    }
}
