//! A tiny data set in the form of a catalog row, for tests of files and downloads.
// Each test file uses its own part of this module.
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use taper_datasets::catalog::{Archive, Entry, File, Split, find};
use taper_datasets::idx;
use taper_datasets::sha256::Sha256;

/// An IDX file of u8.
pub fn idx_bytes(shape: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx::write(&mut bytes, shape, values).unwrap();
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A row and the content of its four files.
pub struct Tiny {
    pub entry: Entry,
    /// Raw name and raw content, in the order of [`Entry::files`].
    pub raw: [(&'static str, Vec<u8>); 4],
}

/// Which digests the row knows.
#[derive(Clone, Copy, PartialEq)]
pub enum Known {
    Raw,
    Gzip,
    Nothing,
}

impl Tiny {
    /// 600 + 40 images of 4×4 and 3 classes; the pixels are noise, so that gzip cannot shrink them much.
    pub fn new(known: Known) -> Self {
        let mut state = 1u32;
        let mut noise = |n: usize, bound: u32| -> Vec<u8> {
            let next = |state: &mut u32| {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (*state >> 24) % bound
            };
            (0..n).map(|_| next(&mut state) as u8).collect()
        };
        let raw = [
            (
                "train-images-idx3-ubyte",
                idx_bytes(&[600, 4, 4], &noise(600 * 16, 256)),
            ),
            ("train-labels-idx1-ubyte", idx_bytes(&[600], &noise(600, 3))),
            (
                "t10k-images-idx3-ubyte",
                idx_bytes(&[40, 4, 4], &noise(40 * 16, 256)),
            ),
            ("t10k-labels-idx1-ubyte", idx_bytes(&[40], &noise(40, 3))),
        ];
        let file = |i: usize| {
            let (name, raw): &(&'static str, Vec<u8>) = &raw[i];
            let packed = gzip(raw);
            let digest = |bytes: &[u8]| -> &'static str { Sha256::digest(bytes).leak() };
            File {
                name,
                raw_sha256: (known == Known::Raw).then(|| digest(raw)),
                gz_sha256: (known == Known::Gzip).then(|| digest(&packed)),
                gz_len: (known != Known::Nothing).then_some(packed.len() as u64),
            }
        };
        let entry = Entry {
            name: "tiny",
            folder: "tiny",
            image: [4, 4],
            classes: &["a", "b", "c"],
            train: Split {
                samples: 600,
                images: file(0),
                labels: file(1),
            },
            test: Split {
                samples: 40,
                images: file(2),
                labels: file(3),
            },
            ..*find("mnist").unwrap()
        };
        Self { entry, raw }
    }

    /// The same row with a ZIP archive that holds everything.
    pub fn with_archive(mut self, zip: &[u8]) -> Self {
        let archive = Archive {
            name: "gzip.zip",
            sha256: Sha256::digest(zip).leak(),
            len: zip.len() as u64,
            urls: &[],
        };
        self.entry.archive = Some(Box::leak(Box::new(archive)));
        self
    }

    /// Gzip content of every file, by its name with `.gz`.
    pub fn packed(&self) -> Vec<(String, Vec<u8>)> {
        self.raw
            .iter()
            .map(|(name, raw)| (format!("{name}.gz"), gzip(raw)))
            .collect()
    }
}

/// A ZIP archive of stored members under `gzip/`.
pub fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let (path, offset) = (format!("gzip/{name}"), body.len() as u32);
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((path.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        body.extend(b"PK\x03\x04");
        body.extend(&common);
        body.extend(path.as_bytes());
        body.extend(bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (offset, size) = (body.len() as u32, directory.len() as u32);
    body.extend(directory);
    body.extend(b"PK\x05\x06");
    body.extend([0; 8]);
    body.extend(size.to_le_bytes());
    body.extend(offset.to_le_bytes());
    body.extend([0, 0]);
    body
}
