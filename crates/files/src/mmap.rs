//! All memory mapping of the project, and the only `unsafe` of this crate. It stands in one file because of what it
//! cannot promise.
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
//! read-only; no crate of this project writes to a file in place ([`atomic`](crate::atomic) writes a temporary file
//! and renames it, which leaves the old mapping intact); and data sets check a digest before use. Who cannot exclude a truncation can read
//! the gzip form instead, which is unpacked into memory when its folder cannot be written.
//!
//! # What is touched counts
//! A page of the mapping that was touched once counts as memory of this process until it ends, although it is the
//! system's to take back. After an epoch in random order that would be the whole file. Samples are therefore copied
//! out by [`Map::read_at`], a positioned read of the same cached page: it costs 0.4 µs more for an image of MNIST,
//! on the thread that prepares batches, and nothing stays. (Giving touched pages back with `madvise` costs ten times
//! as much, because every page has to be mapped anew.)

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file, read by the system page by page as they are touched.
#[derive(Debug)]
pub struct Map {
    /// `None` for an empty file, which systems refuse to map.
    map: Option<memmap2::Mmap>,
    /// The same file, for positioned reads.
    file: File,
}

impl Map {
    /// Maps the first `len` bytes of `file`.
    ///
    /// # Errors
    /// The system's, and `UnexpectedEof` when the file is shorter than `len`.
    pub fn open(file: &File, len: usize) -> io::Result<Self> {
        if file.metadata()?.len() < len as u64 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file is shorter than the mapping",
            ));
        }
        let (own, mut map) = (file.try_clone()?, None);
        if len == 0 {
            return Ok(Self { map, file: own });
        }
        // SAFETY: M1. The mapping is read-only and no longer than the file; that nobody else changes the file
        // meanwhile is the caveat in this file's head.
        map = Some(unsafe { memmap2::MmapOptions::new().len(len).map(file)? });
        Ok(Self { map, file: own })
    }

    /// Copies the bytes from `start` on into `out` without touching the mapping.
    ///
    /// # Errors
    /// The system's, and `UnexpectedEof` when the mapping, or by now the file, ends before.
    pub fn read_at(&self, start: usize, out: &mut [u8]) -> io::Result<()> {
        let end = start.saturating_add(out.len());
        let part = self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        read_exact_at(&self.file, start, part, out)
    }
}

/// Reads from `start` on; the mapping has the same bytes as `_part`.
#[cfg(unix)]
fn read_exact_at(file: &File, start: usize, _part: &[u8], out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start as u64)
}

/// Other systems have no such read that leaves the file's cursor alone: there the mapping is touched.
#[cfg(not(unix))]
fn read_exact_at(_file: &File, _start: usize, part: &[u8], out: &mut [u8]) -> io::Result<()> {
    out.copy_from_slice(part);
    Ok(())
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
    #[test]
    fn reads_parts_within_the_mapping() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"taper").unwrap();
        let map = Map::open(&file, 4).unwrap();
        let mut part = [0; 3];
        map.read_at(1, &mut part).unwrap();
        assert_eq!(&part, b"ape");
        for start in [2, 5, usize::MAX] {
            let error = map.read_at(start, &mut part).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_was_cut_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 9000]).unwrap();
        let map = Map::open(&file, 9000).unwrap();
        file.set_len(10).unwrap(); // touching the third page would end the process now
        let error = map.read_at(8990, &mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }
}
