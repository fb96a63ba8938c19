//! Where a payload is written to: measured and hashed on its way, so that a file is written as it is encoded and what it
//! holds is never in memory a second time.

use crate::{ErrorKind, MAX_PAYLOAD, Result, header};
use bincode::{enc::write::Writer, error::EncodeError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// What is said when a file cannot be written.
pub(crate) const WRITE: &str = "cannot write the checkpoint (is the disk full?)";

/// Bytes that are handed to the system at once.
const BLOCK: usize = 1 << 17;

/// A file whose payload grows behind a header that is written last.
pub(crate) struct Sink<W: Write> {
    inner: BufWriter<W>,
    length: u64,
    hasher: crc32fast::Hasher,
}

impl<W: Write + Seek> Sink<W> {
    /// A new file; `inner` is empty.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn new(inner: W) -> Result<Self> {
        let mut inner = BufWriter::with_capacity(BLOCK, inner);
        let room = [0; header::LENGTH];
        inner.write_all(&room).map_err(ErrorKind::io(WRITE))?;
        Ok(Sink {
            inner,
            length: 0,
            hasher: crc32fast::Hasher::new(),
        })
    }

    /// Puts the header in front of the payload, and gives the file back.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn seal(self) -> Result<W> {
        let header = header::of(self.length, self.hasher.finalize());
        let mut inner = self.inner;
        let done = inner
            .seek(SeekFrom::Start(0))
            .and_then(|_| inner.write_all(&header));
        done.map_err(ErrorKind::io(WRITE))?;
        let flushed = inner.into_inner().map_err(io::IntoInnerError::into_error);
        flushed.map_err(ErrorKind::io(WRITE))
    }
}

impl<W: Write> Writer for &mut Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.length += bytes.len() as u64;
        if self.length > MAX_PAYLOAD {
            let message = format!("its content is longer than the {MAX_PAYLOAD} bytes allowed");
            return Err(EncodeError::OtherString(message));
        }
        self.hasher.update(bytes);
        let index = self.length as usize; // at most MAX_PAYLOAD
        let written = self.inner.write_all(bytes);
        written.map_err(|inner| EncodeError::Io { inner, index })
    }
}
