//! All memory mapping of the project, and the only `unsafe` of this crate.
//!
//! # Invariant
//! **M1** A [`Map`] hands out nothing but `&[u8]` within the length that the file had when it was mapped, and
//! lives as long as the mapping. Every byte pattern is a valid `u8` and bytes have no alignment, so whatever
//! the file holds, reading it is well defined *as long as the file does not change*.
//!
//! # What this cannot promise
//! The operating system does not keep other programs from writing to or truncating a mapped file. Bytes that
//! change under a `&[u8]` are outside of Rust's rules, and reading a page beyond the new end of a truncated
//! file ends the process (SIGBUS). No code in this process can rule that out. What is done: files are mapped
//! read-only; this crate never writes to a file in place (it writes a temporary file and renames it, which
//! leaves the old mapping intact); and a digest is checked before use. Who cannot exclude a truncation can read
//! the gzip form instead, which is unpacked into memory when its folder cannot be written.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file, read by the system page by page as they are touched.
#[derive(Debug)]
pub(crate) struct Map {
    /// `None` for an empty file, which systems refuse to map.
    map: Option<memmap2::Mmap>,
}

impl Map {
    /// Maps the first `len` bytes of `file`.
    ///
    /// # Errors
    /// The system's, and `UnexpectedEof` when the file is shorter than `len`.
    pub(crate) fn open(file: &File, len: usize) -> io::Result<Self> {
        if file.metadata()?.len() < len as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file is shorter than the mapping",
            ));
        }
        if len == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: M1. The mapping is read-only and no longer than the file; that nobody else changes the file
        // meanwhile is the caveat in this file's head.
        let map = unsafe { memmap2::MmapOptions::new().len(len).map(file)? };
        Ok(Self { map: Some(map) })
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::Map;
    use std::io::Write;

    #[test]
    fn maps_what_the_file_holds_and_refuses_more() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"taper").unwrap();
        assert_eq!(&*Map::open(&file, 5).unwrap(), b"taper");
        assert_eq!(&*Map::open(&file, 2).unwrap(), b"ta");
        assert_eq!(&*Map::open(&file, 0).unwrap(), b"");
        assert_eq!(
            Map::open(&file, 6).unwrap_err().kind(),
            std::io::ErrorKind::UnexpectedEof
        );
    }
}
