//! The ground that everything with files stands on: written whole or not at all, mapped, unpacked, and recognised by
//! their digest. It knows nothing of tensors or data sets.
//!
//! - [`atomic`] writes under a temporary name, and puts the file in its place when it is complete;
//! - [`mmap`] maps a file, in the only `unsafe` code outside of the kernels;
//! - [`gzip`] and [`zip`] read what data sets are packed in, and name the byte at which a file is damaged;
//! - [`sha256`] is the fingerprint.
//!
//! ```
//! use taper_files::{atomic, mmap::Map, sha256::Sha256};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("greeting");
//! atomic::write(&path, b"hello")?;
//! let map = Map::open(&std::fs::File::open(&path)?, 5)?;
//! assert_eq!(Sha256::digest(&map), Sha256::digest(b"hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

pub mod atomic;
mod error;
pub mod gzip;
#[allow(unsafe_code)]
pub mod mmap;
pub mod sha256;
pub mod zip;

pub use error::{Action, Error, Result};
