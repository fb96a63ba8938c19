//! The ground that everything with files stands on: written whole or not at all, locked, read in parts, unpacked, and
//! recognised by their digest. It knows nothing of tensors or data sets.
//!
//! - [`atomic`] writes under a temporary name, and puts the file in its place when it is complete;
//! - [`lock`] lets one process at a time work in a folder, and [`leftovers`] removes what dead ones have left there;
//! - [`positioned`] reads a file in parts, which another program may shorten meanwhile;
//! - [`gzip`] and [`zip`] read what data sets are packed in, and name the byte at which a file is damaged;
//! - [`sha256`] is the fingerprint.
//!
//! ```
//! use taper_files::{atomic, positioned::Positioned, sha256::Sha256};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("greeting");
//! atomic::write(&path, b"hello")?;
//! let mut bytes = [0; 4];
//! Positioned::new(std::fs::File::open(&path)?, 5)?.read_at(1, &mut bytes)?;
//! assert_eq!(Sha256::digest(&bytes), Sha256::digest(b"ello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod atomic;
mod error;
#[doc(hidden)]
pub mod faults;
pub mod gzip;
pub mod leftovers;
pub mod lock;
pub mod positioned;
pub mod sha256;
pub mod zip;

pub use error::{Action, Error, Result};

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
