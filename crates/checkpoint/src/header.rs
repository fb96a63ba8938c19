//! The 32 bytes at the head of every file: they say what follows and prove that it is what was written.

use crate::{ErrorKind, Result};

/// The newest format version, the one that is written.
pub const FORMAT_VERSION: u32 = 1;

/// The longest payload that is written or read: 16 GiB (on 32-bit machines 2 GiB), over a thousand million f32 weights
/// with Adam's moments.
pub const MAX_PAYLOAD: u64 = if usize::BITS >= 64 {
    1 << 34
} else {
    (1 << 31) - 1
};

pub(crate) const MAGIC: [u8; 8] = *b"\x89TAPER\r\n";
/// Length of the header.
pub(crate) const LENGTH: usize = 32;

/// The header of a payload of this length and checksum.
pub(crate) fn of(length: u64, payload: u32) -> [u8; LENGTH] {
    let mut header = [0; LENGTH];
    header[0..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&length.to_le_bytes());
    header[24..28].copy_from_slice(&payload.to_le_bytes());
    let checksum = crc32fast::hash(&header[..28]);
    header[28..32].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The length of the payload and its checksum, from the first bytes of a file (fewer than [`LENGTH`] if it is shorter).
pub(crate) fn parse(head: &[u8]) -> Result<(u64, u32)> {
    let beginning = &head[..head.len().min(8)];
    if !MAGIC.starts_with(beginning) {
        return Err(ErrorKind::NotACheckpoint {
            found: beginning.to_vec(),
        }
        .into());
    }
    let Some(head) = head.first_chunk::<LENGTH>() else {
        return Err(ErrorKind::Truncated {
            expected: LENGTH as u64,
            found: head.len() as u64,
        }
        .into());
    };
    let (expected, found) = (u32_at(head, 28), crc32fast::hash(&head[..28]));
    if expected != found {
        return Err(ErrorKind::Checksum {
            part: "header",
            expected,
            found,
        }
        .into());
    }
    match u32_at(head, 8) {
        FORMAT_VERSION => {}
        0 => {
            return Err(ErrorKind::InvalidHeader {
                message: "its format version is 0".into(),
            }
            .into());
        }
        found => {
            return Err(ErrorKind::NewerVersion {
                found,
                supported: FORMAT_VERSION,
            }
            .into());
        }
    }
    let reserved = u32_at(head, 12);
    if reserved != 0 {
        let message = format!("its reserved field is {reserved:#010x}, not 0");
        return Err(ErrorKind::InvalidHeader { message }.into());
    }
    let length = u64::from(u32_at(head, 16)) | u64::from(u32_at(head, 20)) << 32;
    if length > MAX_PAYLOAD {
        return Err(ErrorKind::TooLong {
            length,
            limit: MAX_PAYLOAD,
        }
        .into());
    }
    Ok((length, u32_at(head, 24)))
}

/// The verified payload of a whole file.
pub(crate) fn open(file: &[u8]) -> Result<&[u8]> {
    let (length, expected) = parse(file)?;
    let payload = &file[LENGTH..];
    check_length(length, payload.len() as u64)?;
    check_payload(expected, crc32fast::hash(payload))?;
    Ok(payload)
}

/// Compares the announced checksum of the payload with the one that is there.
pub(crate) fn check_payload(expected: u32, found: u32) -> Result<()> {
    if expected != found {
        return Err(ErrorKind::Checksum {
            part: "payload",
            expected,
            found,
        }
        .into());
    }
    Ok(())
}

/// Compares the announced length of the payload with the one that is there.
pub(crate) fn check_length(announced: u64, there: u64) -> Result<()> {
    let head = LENGTH as u64;
    match there.cmp(&announced) {
        std::cmp::Ordering::Less => Err(ErrorKind::Truncated {
            expected: head + announced,
            found: head + there,
        }
        .into()),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(ErrorKind::TrailingBytes {
            count: there - announced,
        }
        .into()),
    }
}

fn u32_at(head: &[u8; LENGTH], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}
