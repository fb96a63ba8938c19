//! Where a payload is read from: bytes in memory, or a file that is read, hashed and decoded a block at a time, so that
//! what is not wanted of it never takes memory.

use crate::{ErrorKind, Result, header};
use bincode::{de::read::Reader, error::DecodeError};
use std::io::{self, Read};

/// A payload that knows how much of itself has been read and how much there is.
pub(crate) trait Source: Reader {
    /// Bytes read so far.
    fn at(&self) -> u64;

    /// Bytes that follow.
    fn left(&self) -> u64;

    /// Passes over so many bytes.
    fn skip(&mut self, count: u64) -> Result<(), DecodeError>;

    /// Counts memory that is taken besides what is read; an error when it is out of proportion.
    fn take_room(&mut self, _bytes: u64) -> Result<(), DecodeError> {
        Ok(())
    }

    /// An error unless so many bytes follow.
    fn expect(&self, count: u64) -> Result<(), DecodeError> {
        match count.checked_sub(self.left()) {
            None | Some(0) => Ok(()),
            Some(additional) => Err(DecodeError::UnexpectedEnd {
                additional: usize::try_from(additional).unwrap_or(usize::MAX),
            }),
        }
    }
}

/// Bytes in memory.
pub(crate) struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Bytes { bytes, at: 0 }
    }
}

impl Reader for Bytes<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        self.expect(out.len() as u64)?;
        out.copy_from_slice(&self.bytes[self.at..][..out.len()]);
        self.at += out.len();
        Ok(())
    }
}

impl Source for Bytes<'_> {
    fn at(&self) -> u64 {
        self.at as u64
    }

    fn left(&self) -> u64 {
        (self.bytes.len() - self.at) as u64
    }

    fn skip(&mut self, count: u64) -> Result<(), DecodeError> {
        self.expect(count)?;
        self.at += count as usize; // not beyond the bytes in memory
        Ok(())
    }
}

/// Bytes read from a file at once: they are hashed and copied on while they lie in the cache.
const BLOCK: usize = 1 << 17;

/// A payload of known length that arrives block by block.
pub(crate) struct Stream<R> {
    inner: R,
    length: u64,
    at: u64,
    block: Vec<u8>,
    /// What of the block has not been handed out.
    first: usize,
    hasher: crc32fast::Hasher,
    failure: Option<io::Error>,
}

impl<R: Read> Stream<R> {
    /// The next `length` bytes of `inner`.
    pub(crate) fn new(inner: R, length: u64) -> Self {
        Stream {
            inner,
            length,
            at: 0,
            block: Vec::with_capacity(BLOCK.min(usize::try_from(length).unwrap_or(BLOCK))),
            first: 0,
            hasher: crc32fast::Hasher::new(),
            failure: None,
        }
    }

    /// Reads what is left and compares it all with the checksum that the header announces.
    ///
    /// # Errors
    /// The file cannot be read, is shorter or longer than announced, or is damaged.
    pub(crate) fn verify(mut self, expected: u32) -> Result<()> {
        let _ = self.skip(self.left()); // its failure is looked at below
        if self.failure.is_none() {
            self.block.clear();
            let end = self.inner.take(1).read_to_end(&mut self.block);
            self.failure = end.err();
        }
        if let Some(failure) = self.failure {
            return Err(ErrorKind::io("cannot read the checkpoint")(failure));
        }
        let more = self.block.len() as u64;
        header::check_length(self.length, self.at + more)?;
        header::check_payload(expected, self.hasher.finalize())
    }

    /// The bytes at hand; reads the next block when there are none. Empty at the end.
    fn available(&mut self) -> Result<&[u8], DecodeError> {
        if self.first == self.block.len() && self.failure.is_none() {
            self.first = 0;
            self.block.clear();
            let most = self.left().min(BLOCK as u64);
            match Read::by_ref(&mut self.inner)
                .take(most)
                .read_to_end(&mut self.block)
            {
                Ok(_) => self.hasher.update(&self.block),
                Err(failure) => {
                    self.block.clear();
                    self.failure = Some(failure);
                }
            }
        }
        match &self.block[self.first..] {
            [] => Err(DecodeError::Other("the file ends or cannot be read")),
            bytes => Ok(bytes),
        }
    }

    fn consume(&mut self, count: usize) {
        self.first += count;
        self.at += count as u64;
    }
}

impl<R: Read> Reader for Stream<R> {
    fn read(&mut self, mut out: &mut [u8]) -> Result<(), DecodeError> {
        self.expect(out.len() as u64)?;
        while !out.is_empty() {
            let bytes = self.available()?;
            let count = bytes.len().min(out.len());
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&bytes[..count]);
            self.consume(count);
            out = later;
        }
        Ok(())
    }
}

impl<R: Read> Source for Stream<R> {
    fn at(&self) -> u64 {
        self.at
    }

    fn left(&self) -> u64 {
        self.length - self.at
    }

    fn skip(&mut self, mut count: u64) -> Result<(), DecodeError> {
        self.expect(count)?;
        while count > 0 {
            let now = (self.available()?.len() as u64).min(count);
            self.consume(now as usize); // no more than a block
            count -= now;
        }
        Ok(())
    }
}
