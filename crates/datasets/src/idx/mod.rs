//! IDX, the file format of MNIST and its family: every element type, every rank, plain or gzip.
//!
//! Everything a header claims is checked before anything is allocated: magic number, product of the dimensions
//! (overflow), and the exact length of the file. Plain files stay where they are and are read in parts; gzip files are
//! unpacked into memory, never further than their header says and [`MAX_UNPACKED`] allows, and must end there.

mod element;
mod header;

pub use element::{ElementType, IdxElement};
pub use header::Header;
pub(crate) use header::HeaderError;

use crate::{Error, Result};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use taper_files::atomic::AtomicFile;
use taper_files::gzip::{self, Gunzip};
use taper_files::positioned::Positioned;
use taper_files::sha256::Sha256;

/// A gzip file is unpacked into memory as long as it comes to no more than ten times its length and this many bytes:
/// images and labels do (MNIST's come to five times). What expands further has to be unpacked by hand, and is then read
/// from the disk.
pub const MAX_UNPACKED: u64 = 256 << 20;

/// An IDX file, open for reading.
///
/// ```
/// use taper_datasets::idx::{self, Idx};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("numbers.idx");
/// idx::save(&path, &[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let file = Idx::open(&path)?;
/// assert_eq!(file.shape(), [2, 3]);
/// assert_eq!(file.values::<f32>()?[4], 5.0);
/// assert!(file.values::<u8>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Idx {
    header: Header,
    data: Data,
    path: PathBuf,
}

#[derive(Debug)]
enum Data {
    /// The elements alone.
    Owned(Vec<u8>),
    /// The whole file, header included.
    Disk(Positioned),
}

impl Idx {
    /// Opens a plain file (which stays on the disk) or a gzip file (unpacked into memory); the first bytes tell which,
    /// whatever its name.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] with the offset of what is wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(Error::io(path, "open"))?;
        let len = file
            .metadata()
            .map_err(Error::io(path, "read the length"))?
            .len();
        let mut start = Vec::with_capacity(2);
        (&mut file)
            .take(2)
            .read_to_end(&mut start)
            .map_err(Error::io(path, "read"))?;
        if start == gzip::MAGIC {
            return Self::unpack(start.as_slice().chain(file), len, path);
        }
        let header = read_header(&mut start.as_slice().chain(&mut file), path)?;
        check_len(&header, len, path)?;
        let bytes = Positioned::new(file, len).map_err(Error::io(path, "read"))?;
        Ok(Self {
            header,
            data: Data::Disk(bytes),
            path: path.to_path_buf(),
        })
    }

    /// Reads a file from memory, plain or gzip.
    ///
    /// # Errors
    /// [`Error::Format`]; the file is called `<memory>`.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Result<Self> {
        let path = Path::new("<memory>");
        if bytes.starts_with(&gzip::MAGIC) {
            let len = bytes.len() as u64;
            return Self::unpack(bytes.as_slice(), len, path);
        }
        let header = read_header(&mut bytes.as_slice(), path)?;
        check_len(&header, bytes.len() as u64, path)?;
        bytes.drain(..header.header_len());
        Ok(Self {
            header,
            data: Data::Owned(bytes),
            path: path.to_path_buf(),
        })
    }

    /// Unpacks gzip data of `packed_len` bytes into memory.
    fn unpack(reader: impl Read, packed_len: u64, path: &Path) -> Result<Self> {
        let mut gunzip = Gunzip::new(reader, path);
        let header = read_gzip_header(&mut gunzip, path)?;
        let needed = header.file_len();
        if needed / gzip::MAX_RATIO > packed_len {
            let expected = format!("dimensions that {packed_len} gzip bytes can hold");
            return Err(Error::format(
                path,
                0,
                expected,
                format!("{:?} ({needed} bytes)", header.shape()),
            ));
        }
        let most = packed_len.saturating_mul(10).saturating_add(MAX_UNPACKED);
        if needed > most {
            let message = format!(
                "its {packed_len} bytes come to {needed} unpacked, and at most {most} of them are kept in memory: unpack \
                 it by hand, and the plain file is read from the disk"
            );
            return Err(Error::contents(path, message));
        }
        // Grows with what really comes out; the header only sets the limit.
        let mut data = Vec::new();
        let limit = header.data_len();
        while data.len() < limit {
            let more = data.len().max(64 << 10).min(limit - data.len());
            let room = data.try_reserve_exact(more);
            room.map_err(|error| Error::contents(path, format!("it cannot be unpacked: {error}")))?;
            let read = (&mut gunzip).take(more as u64).read_to_end(&mut data);
            if read.map_err(|error| gunzip.explain(error))? < more {
                break;
            }
        }
        if data.len() < header.data_len() {
            let offset = (header.header_len() + data.len()) as u64;
            return Err(Error::format(
                path,
                offset,
                format!("{needed} unpacked bytes"),
                "the end of the gzip data",
            ));
        }
        gunzip.finish()?;
        Ok(Self {
            header,
            data: Data::Owned(data),
            path: path.to_path_buf(),
        })
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        self.header.shape()
    }

    /// Type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.header.element_type()
    }

    /// The checked header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file (`<memory>` if there is none).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the elements stay on the disk (and in the system's cache of it) rather than in this process's memory.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.data, Data::Disk(_))
    }

    /// The elements as they are in the file: row-major, big-endian. Those of a plain file are read now.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        if let Data::Owned(bytes) = &self.data {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut bytes = vec![0; self.header.data_len()]; // no more than the file had when it was opened
        self.read(0, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// Copies the bytes of the elements from `start` on (0 is the first element's) into `out`.
    ///
    /// # Errors
    /// [`Error::Io`]: the elements end before `out` is full, the file cannot be read any more, or another program has
    /// shortened it.
    pub fn read(&self, start: usize, out: &mut [u8]) -> Result<()> {
        let read = match &self.data {
            Data::Owned(bytes) => {
                let end = start.saturating_add(out.len());
                let part = bytes.get(start..end).map(|part| out.copy_from_slice(part));
                part.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            Data::Disk(file) => {
                let start = (self.header.header_len() as u64).saturating_add(start as u64);
                file.read_at(start, out)
            }
        };
        read.map_err(|error| {
            let error = match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::new(
                    error.kind(),
                    "it ends before; has another program shortened it?",
                ),
                _ => error,
            };
            Error::io(&self.path, "read")(error)
        })
    }

    /// All elements, row-major.
    ///
    /// # Errors
    /// [`Error::Contents`] when the file holds another type; as [`read`](Self::read).
    pub fn values<T: IdxElement>(&self) -> Result<Vec<T>> {
        let found = self.element_type();
        if T::TYPE != found {
            let message = format!("holds {}, not {}", found.name(), T::TYPE.name());
            return Err(Error::contents(&self.path, message));
        }
        Ok(self
            .bytes()?
            .chunks_exact(T::TYPE.size())
            .map(T::from_be)
            .collect())
    }

    /// All elements converted to f32, whatever their type (u8 as 0 to 255).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        fn convert<T: IdxElement>(bytes: &[u8]) -> Vec<f32> {
            bytes
                .chunks_exact(T::TYPE.size())
                .map(|chunk| T::from_be(chunk).to_f32())
                .collect()
        }
        let bytes = &*self.bytes()?;
        Ok(match self.element_type() {
            ElementType::U8 => convert::<u8>(bytes),
            ElementType::I8 => convert::<i8>(bytes),
            ElementType::I16 => convert::<i16>(bytes),
            ElementType::I32 => convert::<i32>(bytes),
            ElementType::F32 => convert::<f32>(bytes),
            ElementType::F64 => convert::<f64>(bytes),
        })
    }

    /// Hexadecimal SHA-256 of the plain file: header and elements.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read any more.
    pub fn sha256(&self) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(&self.header.to_bytes());
        let (mut block, len) = (vec![0; 64 << 10], self.header.data_len());
        for start in (0..len).step_by(block.len()) {
            let part = &mut block[..(len - start).min(64 << 10)];
            self.read(start, part)?;
            hash.update(part);
        }
        Ok(hash.hex())
    }
}

/// Writes header and elements.
///
/// # Errors
/// [`Error::Shape`] when `values` does not fill `shape` or the format cannot hold it; [`Error::Io`].
pub fn write<T: IdxElement>(out: &mut dyn Write, shape: &[usize], values: &[T]) -> Result<()> {
    let header = Header::new(T::TYPE, shape)?;
    if header.data_len() != size_of_val(values) {
        let message = format!("{} values do not fill the shape {shape:?}", values.len());
        return Err(Error::shape("idx write", message));
    }
    let io = || Error::io(Path::new("IDX data"), "write");
    out.write_all(&header.to_bytes()).map_err(io())?;
    let mut bytes = Vec::new();
    for part in values.chunks(16 << 10) {
        bytes.clear();
        part.iter().for_each(|value| value.to_be(&mut bytes));
        out.write_all(&bytes).map_err(io())?;
    }
    Ok(())
}

/// Saves a plain IDX file, whole or not at all.
///
/// # Errors
/// As [`write()`].
pub fn save<T: IdxElement>(path: impl AsRef<Path>, shape: &[usize], values: &[T]) -> Result<()> {
    let mut file = AtomicFile::create_all(path.as_ref())?;
    write(&mut file, shape, values)?;
    Ok(file.commit()?)
}

fn read_header(reader: &mut dyn Read, path: &Path) -> Result<Header> {
    Header::read(reader, path).map_err(|error| match error {
        HeaderError::Format(error) => error,
        HeaderError::Read(error) => Error::io(path, "read")(error),
    })
}

/// The header at the start of a gzip stream.
pub(crate) fn read_gzip_header<R: Read>(gunzip: &mut Gunzip<R>, path: &Path) -> Result<Header> {
    Header::read(gunzip, path).map_err(|error| match error {
        HeaderError::Format(error) => error,
        HeaderError::Read(error) => gunzip.explain(error).into(),
    })
}

fn check_len(header: &Header, len: u64, path: &Path) -> Result<()> {
    let needed = header.file_len();
    if len == needed {
        return Ok(());
    }
    let what = format!(
        "a file of {needed} bytes ({} {:?})",
        header.element_type().name(),
        header.shape()
    );
    Err(Error::format(
        path,
        len.min(needed),
        what,
        format!("{len} bytes"),
    ))
}
