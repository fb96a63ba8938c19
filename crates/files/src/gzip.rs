//! Gzip, read as a stream that knows where it stands and accepts nothing after its end: a damaged or cut download is
//! an error that names the byte.

use crate::sha256::Sha256;
use crate::{Action, Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The first two bytes of every gzip file (RFC 1952).
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate cannot expand a byte into more than this many (1032, RFC 1951); a header that asks for more lies.
pub const MAX_RATIO: u64 = 1032;

/// Unpacks the gzip members of `inner`, which must be all there is.
///
/// ```
/// use std::io::Read;
/// use taper_files::gzip::Gunzip;
/// let packed = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 0, 0, 231, 6, 107, 145, 1, 0, 0, 0];
/// let mut gunzip = Gunzip::new(packed.as_slice(), "h.gz".as_ref());
/// let mut text = String::new();
/// gunzip.read_to_string(&mut text).map_err(|error| gunzip.explain(error))?;
/// assert_eq!(text, "h");
/// gunzip.finish()?; // nothing follows
/// # Ok::<(), taper_files::Error>(())
/// ```
pub struct Gunzip<R: Read> {
    decoder: MultiGzDecoder<BufReader<Counted<R>>>,
    path: PathBuf,
}

/// Counts and hashes what passes.
struct Counted<R> {
    inner: R,
    count: u64,
    hash: Sha256,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count += n as u64;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

impl<R: Read> Gunzip<R> {
    /// `path` is for messages.
    pub fn new(inner: R, path: &Path) -> Self {
        let counted = Counted {
            inner,
            count: 0,
            hash: Sha256::new(),
        };
        Self {
            decoder: MultiGzDecoder::new(BufReader::with_capacity(64 << 10, counted)),
            path: path.to_path_buf(),
        }
    }

    /// Compressed bytes consumed so far.
    fn offset(&self) -> u64 {
        let reader = self.decoder.get_ref();
        reader.get_ref().count - reader.buffer().len() as u64
    }

    /// Names file and position in what `read` reported.
    pub fn explain(&self, error: io::Error) -> Error {
        let expected = "gzip data";
        match error.kind() {
            ErrorKind::UnexpectedEof => Error::format(
                &self.path,
                self.offset(),
                "more gzip data",
                "the end of the file",
            ),
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Error::format(
                &self.path,
                self.offset(),
                expected,
                format!("damaged data ({error})"),
            ),
            _ => Error::io(&self.path, Action::Read)(error),
        }
    }

    /// Checks that the data end here, and gives the hexadecimal SHA-256 of the whole compressed file.
    ///
    /// # Errors
    /// [`Error::Format`] with the position in the compressed file; [`Error::Io`].
    pub fn finish(mut self) -> Result<String> {
        let unpacked_end = "the end of the data, as its header says";
        match self.decoder.read(&mut [0]) {
            Ok(0) => Ok(self.decoder.get_ref().get_ref().hash.clone().hex()),
            Ok(_) => Err(Error::format(
                &self.path,
                self.offset(),
                unpacked_end,
                "more unpacked bytes",
            )),
            // A damaged trailer (checksum, length) or bytes that are no further gzip member.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                let found = format!("a wrong checksum, a cut trailer, or bytes after it ({error})");
                Err(Error::format(
                    &self.path,
                    self.offset(),
                    "the trailer and the end of the gzip data",
                    found,
                ))
            }
            Err(error) => Err(self.explain(error)),
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}
