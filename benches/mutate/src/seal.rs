//! Checksums put right, so that damage reaches the reader behind them.

use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// A payload in a checkpoint's file: `taper_checkpoint` describes the header.
pub(crate) fn checkpoint(payload: &[u8]) -> Vec<u8> {
    let mut file = b"\x89TAPER\r\n\x01\0\0\0\0\0\0\0".to_vec();
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(crc32fast::hash(payload).to_le_bytes());
    file.extend(crc32fast::hash(&file).to_le_bytes());
    file.extend(payload);
    file
}

/// Data as the only member of a gzip file.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(data).and_then(|()| encoder.finish());
    written.expect("a vector takes everything")
}

/// A PNG file whose chunks have the checksums of what is in them, as far as it is made of chunks.
pub(crate) fn png(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let mut at = 8;
    while let Some(head) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at + 8 + length;
        let Some(sum) = file.get(at + 4..end).map(crc32fast::hash) else {
            break;
        };
        match file.get_mut(end..end + 4) {
            Some(place) => place.copy_from_slice(&sum.to_be_bytes()),
            None => break,
        }
        at = end + 4;
    }
    file
}
