//! The header of an IDX file: two zero bytes, element type, rank, then one big-endian u32 per dimension.

use super::ElementType;
use crate::{Error, Result};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Element type and dimensions, checked: the size of the data fits the address space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    element_type: ElementType,
    shape: Vec<usize>,
    data_len: usize,
}

impl Header {
    /// A header for data of this type and shape.
    ///
    /// # Errors
    /// [`Error::Shape`] for more than 255 dimensions, a dimension beyond `u32`, or data beyond the address space.
    pub fn new(element_type: ElementType, shape: &[usize]) -> Result<Self> {
        let fail = |message: String| Error::shape("idx header", message);
        if shape.len() > 255 {
            return Err(fail(format!(
                "{} dimensions, the format holds 255",
                shape.len()
            )));
        }
        if let Some(dimension) = shape
            .iter()
            .find(|&&dimension| u32::try_from(dimension).is_err())
        {
            return Err(fail(format!(
                "dimension {dimension} is beyond the format's 32 bits"
            )));
        }
        let data_len = data_len(element_type, shape).ok_or_else(|| {
            fail(format!(
                "the product of the dimensions {shape:?} is beyond the address space"
            ))
        })?;
        Ok(Self {
            element_type,
            shape: shape.to_vec(),
            data_len,
        })
    }

    /// Reads and checks a header; `path` is for messages. Allocates at most 2 kB, whatever the bytes say.
    pub(crate) fn read(reader: &mut dyn Read, path: &Path) -> Result<Self, HeaderError> {
        let mut magic = [0; 4];
        read_exact(reader, &mut magic, 0, path)?;
        let wrong =
            |offset, expected: &str, found: String| Error::format(path, offset, expected, found);
        if magic[..2] != [0, 0] {
            let found = format!("{:#04x} {:#04x}", magic[0], magic[1]);
            return Err(wrong(0, "two zero bytes (the start of an IDX file)", found).into());
        }
        let codes = "an element type: 0x08 u8, 0x09 i8, 0x0b i16, 0x0c i32, 0x0d f32 or 0x0e f64";
        let element_type = ElementType::from_code(magic[2])
            .ok_or_else(|| wrong(2, codes, format!("{:#04x}", magic[2])))?;
        let mut dimensions = vec![0; 4 * usize::from(magic[3])];
        read_exact(reader, &mut dimensions, 4, path)?;
        let shape: Vec<usize> = dimensions
            .chunks_exact(4)
            .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
            .collect();
        let data_len = data_len(element_type, &shape).ok_or_else(|| {
            wrong(
                4,
                "dimensions whose product fits the address space",
                format!("{shape:?}"),
            )
        })?;
        Ok(Self {
            element_type,
            shape,
            data_len,
        })
    }

    /// The header's bytes in the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0, 0, self.element_type as u8, self.shape.len() as u8];
        for &dimension in &self.shape {
            bytes.extend_from_slice(&(dimension as u32).to_be_bytes());
        }
        bytes
    }

    /// Type of the elements.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The dimensions, outermost first; empty for a single value.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes of the header itself.
    pub fn header_len(&self) -> usize {
        4 + 4 * self.shape.len()
    }

    /// Bytes of the elements after the header.
    pub fn data_len(&self) -> usize {
        self.data_len
    }

    /// Bytes of the whole file.
    pub fn file_len(&self) -> u64 {
        (self.header_len() + self.data_len) as u64
    }
}

/// Why a header could not be read: the format's fault, or the reader's (kept apart because a gzip reader
/// can tell more about its position).
pub(crate) enum HeaderError {
    Format(Error),
    Read(std::io::Error),
}

impl From<Error> for HeaderError {
    fn from(error: Error) -> Self {
        HeaderError::Format(error)
    }
}

/// Bytes of data, if data and header together fit the address space. Zero dimensions multiply as ones for the
/// check, so that no product of some of the dimensions can overflow later either.
fn data_len(element_type: ElementType, shape: &[usize]) -> Option<usize> {
    let bound = shape
        .iter()
        .try_fold(element_type.size(), |len, &dimension| {
            len.checked_mul(dimension.max(1))
        })?;
    bound
        .checked_add(4 + 4 * shape.len())
        .filter(|&len| isize::try_from(len).is_ok())?;
    Some(if shape.contains(&0) { 0 } else { bound })
}

fn read_exact(
    reader: &mut dyn Read,
    buffer: &mut [u8],
    start: u64,
    path: &Path,
) -> Result<(), HeaderError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => {
                let expected = format!("{} bytes of the IDX header", buffer.len());
                let found = "the end of the file";
                return Err(Error::format(path, start + filled as u64, expected, found).into());
            }
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(HeaderError::Read(error)),
        }
    }
    Ok(())
}
