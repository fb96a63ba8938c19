//! Reading and atomic writing of files. The header is believed only as far as the file's real length agrees.

use crate::codec::{self, Parts};
use crate::sink::Sink;
use crate::source::{Bytes, Stream};
use crate::{Checkpoint, Error, ErrorKind, Result, header, sink};
use std::{fs::File, io::Read, path::Path};
use taper_files::{Action, atomic::AtomicFile};

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

/// Replaces the file, whole or not at all, and durably: the name itself survives a loss of power.
pub(crate) fn write_atomically(path: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let mut sink = Sink::new(AtomicFile::create(path).map_err(explain)?)?;
    codec::encode(checkpoint, &mut sink)?;
    sink.seal()?.commit_durably().map_err(explain)
}

/// Begins such a file, and lets it go.
pub(crate) fn probe(path: &Path) -> Result<()> {
    if path.is_dir() {
        let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(ErrorKind::io("cannot write the checkpoint")(error));
    }
    AtomicFile::create(path).map(drop).map_err(explain)
}

/// What was attempted, in the words of checkpoints; the file's name is added by the caller.
fn explain(error: taper_files::Error) -> Error {
    let action = match &error {
        taper_files::Error::Io { action, .. } => *action,
        _ => Action::Write,
    };
    let action = match action {
        Action::CreateFolder | Action::Create => {
            "cannot create a file in the checkpoint's folder (does it exist, and is it writable?)"
        }
        Action::Sync => "cannot sync the checkpoint to the disk",
        Action::PutInPlace => "cannot move the finished checkpoint to its place",
        Action::SyncFolder => "cannot sync the checkpoint's folder to the disk",
        _ => sink::WRITE,
    };
    ErrorKind::io(action)(error.into_io())
}
