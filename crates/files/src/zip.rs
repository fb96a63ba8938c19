//! Just enough of ZIP to take one member out of EMNIST's archive: central directory, stored or deflated
//! members, no ZIP64, no encryption (APPNOTE.TXT 6.3.3, sections 4.3.7, 4.3.12 and 4.3.16).

use crate::{Action, Error, Result};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// End-of-central-directory record: 22 bytes and a comment of up to 65,535.
const END_LEN: u64 = 22;
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
const ENTRY_MAGIC: [u8; 4] = *b"PK\x01\x02";
const LOCAL_MAGIC: [u8; 4] = *b"PK\x03\x04";
/// No archive of data sets has a longer directory; a larger claim is damage.
const MAX_DIRECTORY: u64 = 1 << 20;

/// Where a member lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    method: u16,
    packed_len: u64,
    local_offset: u64,
}

/// Opens the member whose path ends with `name` (folders in the archive are ignored); `None` if it has none.
///
/// The member's checksum is not looked at: what data sets take out of archives are gzip files, which carry
/// their own, and are hashed besides.
///
/// # Errors
/// [`Error::Format`] with the byte that is no ZIP; [`Error::Contents`] for a member that needs ZIP64; [`Error::Io`].
pub fn open_member(path: &Path, name: &str) -> Result<Option<Box<dyn Read>>> {
    let mut file = File::open(path).map_err(Error::io(path, Action::Open))?;
    let directory = read_directory(&mut file, path)?;
    let Some(entry) = find(&directory, name, path)? else {
        return Ok(None);
    };
    let local = read_at(&mut file, entry.local_offset, 30, path)?;
    if local[..4] != LOCAL_MAGIC {
        return Err(Error::format(
            path,
            entry.local_offset,
            "a ZIP local header",
            format!("{:02x?}", &local[..4]),
        ));
    }
    let skip = u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
    let start = entry.local_offset + 30 + skip;
    file.seek(SeekFrom::Start(start))
        .map_err(Error::io(path, Action::Seek))?;
    let packed = file.take(entry.packed_len);
    match entry.method {
        0 => Ok(Some(Box::new(packed))),
        8 => Ok(Some(Box::new(DeflateDecoder::new(packed)))),
        method => Err(Error::format(
            path,
            entry.local_offset,
            "a stored or deflated ZIP member",
            format!("method {method}"),
        )),
    }
}

/// The bytes of the central directory.
fn read_directory(file: &mut File, path: &Path) -> Result<Vec<u8>> {
    let len = file
        .metadata()
        .map_err(Error::io(path, Action::ReadLength))?
        .len();
    let tail_start = len.saturating_sub(END_LEN + 65_535);
    let tail = read_at(file, tail_start, len - tail_start, path)?;
    let end = tail
        .windows(END_LEN as usize)
        .rposition(|window| window[..4] == END_MAGIC);
    let Some(end) = end else {
        return Err(Error::format(
            path,
            len,
            "a ZIP file, which ends with a directory",
            "no directory",
        ));
    };
    let (size, offset) = (
        u64::from(u32_at(&tail, end + 12)),
        u64::from(u32_at(&tail, end + 16)),
    );
    if size > MAX_DIRECTORY || offset + size > len {
        let found = format!("{size} bytes at {offset}");
        return Err(Error::format(
            path,
            tail_start + end as u64,
            "a ZIP directory of at most 1 MiB within the file",
            found,
        ));
    }
    read_at(file, offset, size, path)
}

fn find(directory: &[u8], name: &str, path: &Path) -> Result<Option<Entry>> {
    let mut rest = directory;
    while rest.len() >= 46 && rest[..4] == ENTRY_MAGIC {
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(rest, at)));
        let next = 46 + lengths.iter().sum::<usize>();
        if rest.len() < next {
            break;
        }
        let member = &rest[46..46 + lengths[0]];
        if member.rsplit(|&byte| byte == b'/').next() == Some(name.as_bytes()) {
            let (packed_len, local_offset) = (u32_at(rest, 20), u32_at(rest, 42));
            if packed_len == u32::MAX || local_offset == u32::MAX {
                return Err(Error::contents(
                    path,
                    format!("{name} needs ZIP64, which is not read here; unzip it by hand"),
                ));
            }
            let (packed_len, local_offset) = (packed_len.into(), local_offset.into());
            return Ok(Some(Entry {
                method: u16_at(rest, 10),
                packed_len,
                local_offset,
            }));
        }
        rest = &rest[next..];
    }
    Ok(None)
}

/// Exactly `len` bytes at `offset`; callers bound `len`.
fn read_at(file: &mut File, offset: u64, len: u64, path: &Path) -> Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))
        .map_err(Error::io(path, Action::Seek))?;
    let mut bytes = Vec::new();
    file.take(len)
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, Action::Read))?;
    if bytes.len() as u64 != len {
        let found = "the end of the file";
        return Err(Error::format(
            path,
            offset + bytes.len() as u64,
            format!("{len} bytes from {offset} on"),
            found,
        ));
    }
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// A ZIP archive of members under `gzip/`, deflated or stored.
    fn archive(members: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let (mut body, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in members {
            let path = format!("gzip/{name}");
            let packed = if deflate {
                let mut encoder =
                    flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            } else {
                bytes.to_vec()
            };
            let offset = body.len() as u32;
            let mut common = vec![
                20,
                0,
                0,
                0,
                if deflate { 8 } else { 0 },
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
            ];
            common.extend((packed.len() as u32).to_le_bytes());
            common.extend((bytes.len() as u32).to_le_bytes());
            common.extend((path.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            body.extend(LOCAL_MAGIC);
            body.extend(&common);
            body.extend(path.as_bytes());
            body.extend(&packed);
            directory.extend(ENTRY_MAGIC);
            directory.extend([20, 0]);
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(path.as_bytes());
        }
        let (offset, size) = (body.len() as u32, directory.len() as u32);
        body.extend(directory);
        body.extend(END_MAGIC);
        body.extend([0; 8]);
        body.extend(size.to_le_bytes());
        body.extend(offset.to_le_bytes());
        body.extend([0, 0]);
        body
    }

    fn member(archive: &[u8], name: &str) -> Result<Option<Vec<u8>>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gzip.zip");
        std::fs::write(&path, archive).unwrap();
        Ok(open_member(&path, name)?.map(|mut reader| {
            let mut bytes = Vec::new();
            let _ = reader.read_to_end(&mut bytes);
            bytes
        }))
    }

    #[test]
    fn takes_out_stored_and_deflated_members() {
        for deflate in [false, true] {
            let zip = archive(
                &[("a.gz", b"first"), ("b.gz", b"second, second, second")],
                deflate,
            );
            assert_eq!(member(&zip, "a.gz").unwrap().unwrap(), b"first");
            assert_eq!(
                member(&zip, "b.gz").unwrap().unwrap(),
                b"second, second, second"
            );
            assert_eq!(member(&zip, "c.gz").unwrap(), None);
        }
    }

    #[test]
    fn says_when_it_is_no_archive() {
        let message = member(b"<html>not found</html>", "a.gz")
            .unwrap_err()
            .to_string();
        assert!(message.contains("ZIP"), "{message}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damage_never_panics(at in 0usize..400, value in any::<u8>(), cut in 0usize..400) {
            let mut zip = archive(&[("a.gz", b"first"), ("b.gz", b"second")], true);
            let at = at % zip.len();
            zip[at] = value;
            let _ = member(&zip, "b.gz");
            zip.truncate(cut);
            let _ = member(&zip, "b.gz");
        }
    }
}
