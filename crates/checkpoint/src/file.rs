//! Reading and atomic writing of files. The header is believed only as far as the file's real length agrees.

use crate::codec::{self, Parts};
use crate::sink::Sink;
use crate::source::{Bytes, Stream};
use crate::{Checkpoint, ErrorKind, Result, header};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// What the file says, verified. Its header is checked before the rest is read.
pub(crate) fn read(path: &Path, parts: Parts) -> Result<Checkpoint> {
    let mut file = File::open(path).map_err(ErrorKind::io("cannot open the checkpoint"))?;
    let reading = || ErrorKind::io("cannot read the checkpoint");
    let mut head = Vec::new();
    Read::by_ref(&mut file)
        .take(header::LENGTH as u64)
        .read_to_end(&mut head)
        .map_err(reading())?;
    let (announced, checksum) = header::parse(&head)?;
    let metadata = file.metadata().map_err(reading())?;
    if metadata.is_file() {
        let there = metadata.len().saturating_sub(header::LENGTH as u64);
        header::check_length(announced, there)?;
        let mut payload = Stream::new(file, announced);
        let checkpoint = codec::decode(&mut payload, parts);
        payload.verify(checksum)?; // damage explains whatever the decoder has found
        return checkpoint;
    }
    // A pipe need not hold what its header announces: nothing is decoded before everything is there. One byte more is
    // enough to notice that more follows.
    file.take(announced + 1)
        .read_to_end(&mut head)
        .map_err(reading())?;
    codec::decode(&mut Bytes::new(header::open(&head)?), parts)
}

/// Writes a temporary file beside `path`, syncs it, renames it over `path`, and syncs the folder, so that the rename
/// itself survives a loss of power. The temporary file is removed when any of this fails.
pub(crate) fn write_atomically(path: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (temporary, file) = Temporary::beside(path, folder)?;
    let mut sink = Sink::new(file)?;
    codec::encode(checkpoint, &mut sink)?;
    let file = sink.seal()?;
    file.sync_all()
        .map_err(ErrorKind::io("cannot sync the checkpoint to the disk"))?;
    drop(file);
    temporary.replace(path)?;
    sync_folder(folder)
}

/// A file under construction. Dropping it removes the file, unless it is in its place.
struct Temporary {
    path: PathBuf,
    placed: bool,
}

impl Temporary {
    /// A new, empty file in `folder`, with a name that nobody else has: process and count keep writers apart, and a file
    /// that a killed process of the same number left behind is stepped over, never opened.
    fn beside(path: &Path, folder: &Path) -> Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary = folder.join(format!(".{name}.{process}-{count}.taper-partial"));
            match File::create_new(&temporary) {
                Ok(file) => {
                    let temporary = Temporary {
                        path: temporary,
                        placed: false,
                    };
                    return Ok((temporary, file));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(ErrorKind::io(
                        "cannot create a file in the checkpoint's folder (does it exist, and is it writable?)",
                    )(error));
                }
            }
        }
    }

    fn replace(mut self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path).map_err(ErrorKind::io(
            "cannot move the finished checkpoint to its place",
        ))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    let sync = ErrorKind::io("cannot sync the checkpoint's folder to the disk");
    File::open(folder).and_then(|f| f.sync_all()).map_err(sync)
}

/// Folders cannot be opened for syncing elsewhere; there the rename is as durable as the system makes it.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}
