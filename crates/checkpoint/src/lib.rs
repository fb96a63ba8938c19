//! Checkpoints: everything a model needs to predict, or a run to go on, in one verified file.
//!
//! This crate knows names and tensors, never layers: the architecture is carried as text (JSON) that `taper-nn`
//! understands. A file therefore loads without the program that wrote it.
//!
//! ```
//! use taper_checkpoint::Checkpoint;
//! use taper_tensor::Tensor;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.taper");
//!
//! let mut checkpoint = Checkpoint::default();
//! checkpoint.weights.push(("dense/kernel".into(), Tensor::from_vec([2, 1], vec![0.5, -0.5])?));
//! checkpoint.provenance.insert("dataset".into(), "mnist".into());
//! checkpoint.save(&path)?;                                    // atomic: the old file or the new one, never half
//!
//! let loaded = Checkpoint::load(&path)?;                      // verified: checksum, lengths, shapes
//! assert_eq!(loaded.weight("dense/kernel").unwrap().to_vec(), [0.5, -0.5]);
//! assert_eq!(loaded.provenance["dataset"], "mnist");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file, byte by byte (version 1)
//!
//! A header of 32 bytes, then the payload, then nothing. All integers are little endian.
//!
//! | offset | length | what |
//! | --- | --- | --- |
//! | 0 | 8 | magic: `89 54 41 50 45 52 0D 0A` (`\x89TAPER\r\n`; the first byte is no text, and the line ending shows a file that a text-mode transfer has altered) |
//! | 8 | 4 | format version, `u32`: 1 |
//! | 12 | 4 | reserved, 0 |
//! | 16 | 8 | length of the payload in bytes, `u64`, at most [`MAX_PAYLOAD`] |
//! | 24 | 4 | CRC-32 of the payload |
//! | 28 | 4 | CRC-32 of bytes 0 to 27 |
//! | 32 | … | the payload |
//!
//! The header keeps this layout in every version. It has a checksum of its own, so that version and length can be
//! believed before anything is read or allocated on their account; a flipped bit in the length is reported as damage
//! and not as "file too short". CRC-32 (the polynomial of zip and PNG, `EDB88320` reflected) finds every single
//! damaged run of up to 32 bits and all but one in four billion of other accidents, at several gigabytes a second. It
//! does not protect against intent: whoever can write the file can write the checksum. So nothing inside the payload
//! is trusted either: no length in it leads to an allocation larger than the bytes that are really there.
//!
//! The payload is [bincode 2](https://docs.rs/bincode/2.0.1), configuration `standard()`: little endian, and integers
//! of variable length (`u64` below 251 in one byte; otherwise `FB`, `FC` or `FD` followed by 2, 4 or 8 bytes). These
//! choices are fixed for version 1. The fields follow each other without names or padding:
//!
//! | field | encoding |
//! | --- | --- |
//! | architecture | string |
//! | weights | tensor list |
//! | optimizer | `00`, or `01` and: class name (string), configuration (string), iterations (integer), slots (tensor list) |
//! | position | `00`, or `01` and: seed, epoch, batch (integers), progress (string) |
//! | history | string |
//! | provenance | integer: count; then as many pairs of strings (key, value), keys strictly ascending |
//!
//! where
//!
//! * a **string** is its length in bytes (integer) and as many bytes of UTF-8;
//! * a **tensor list** is a count (integer) and as many tensors, their names all different;
//! * a **tensor** is: name (string); element type (one byte, `00` = IEEE 754 binary32, the only one of version 1); rank
//!   (integer, at most 32) and as many dimensions (integers); length of the data in bytes (integer; the product of the
//!   dimensions times 4) and the data, little endian, in row-major order. Bit patterns are kept, NaN payloads included.
//!
//! A payload that ends early, is longer than its fields, or breaks one of these rules is an error that names the offset.
//!
//! Reading takes the memory of what is in the file, and at most 16 MiB and eight times the payload for what stands around it:
//! a kilobyte and 48 bytes an axis are counted for each tensor, 256 bytes for each pair of provenance. Sixteen thousand
//! tensors always find room, and any number of those that take two hundred bytes of the file or
//! more. What would be refused for this is not written either.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod codec;
mod error;
mod file;
mod header;
mod sink;
mod source;

pub use error::{Error, ErrorKind, Result};
pub use header::{FORMAT_VERSION, MAX_PAYLOAD};

use sink::Sink;
use std::{collections::BTreeMap, io::Cursor, path::Path};
use taper_tensor::Tensor;

/// Everything needed to go on with a run, or to predict.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Architecture as JSON (`Model::config` of `taper-nn`).
    pub architecture: String,
    /// The weights in the model's order, e.g. `("conv2d/kernel", [3, 3, 1, 32])`. Names are unique.
    pub weights: Vec<(String, Tensor)>,
    /// The optimizer with its moments; `None` in a file meant for inference only.
    pub optimizer: Option<OptimizerState>,
    /// Where training stands; `None` when there is nothing to go on with.
    pub position: Option<Position>,
    /// History of the epochs as JSON.
    pub history: String,
    /// Where this came from: data set and its digest, version, CPU, instruction set, class names (JSON), time, ….
    pub provenance: BTreeMap<String, String>,
}

/// An optimizer: what it is, how far it is, and its moments.
#[derive(Clone, Debug)]
pub struct OptimizerState {
    /// Keras's class name, e.g. `Adam`.
    pub class_name: String,
    /// Its settings as JSON.
    pub config: String,
    /// Steps taken so far.
    pub iterations: u64,
    /// Moments by name, e.g. `("conv2d/kernel/momentum", [3, 3, 1, 32])`. Names are unique. Those that begin with
    /// `/callbacks/` are no moments: what `taper-train`'s callbacks keep, such as the weights of the best epoch.
    pub slots: Vec<(String, Tensor)>,
}

/// Where training stands: the next batch to run is `batch` of `epoch`, both counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The run's seed.
    pub seed: u64,
    /// The epoch to go on with, from 0.
    pub epoch: u64,
    /// The next batch of that epoch, from 0.
    pub batch: u64,
    /// The trainer's own notes as JSON: the running sums of the epoch.
    pub progress: String,
}

impl Checkpoint {
    /// Writes the file atomically: a temporary file in the same folder is written, synced and renamed, and the folder
    /// is synced. A crash or a full disk at any moment leaves either the previous file or the new one, complete. It is
    /// written as it is encoded: no copy of the tensors is made in memory.
    ///
    /// # Errors
    /// The folder is missing or cannot be written; two tensors share a name; the content exceeds [`MAX_PAYLOAD`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        file::write_atomically(path, self).map_err(|e| e.at(path))
    }

    /// Whether [`save`](Self::save) could write there: a file can be made in the folder, and no folder has the name. For
    /// asking before hours of training. What may be there already stays as it is.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn can_save(path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        file::probe(path).map_err(|e| e.at(path))
    }

    /// Reads and verifies a file. Memory is taken for what is in it, once: the file is decoded as it is read. (What is no
    /// regular file, such as a pipe, is read as a whole first.)
    ///
    /// # Errors
    /// See [`ErrorKind`]: each kind of damage has its own.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_parts(path.as_ref(), codec::Parts::All)
    }

    /// As [`load`](Self::load), but leaves the optimizer out ([`Checkpoint::optimizer`] is `None`). Its moments, two thirds
    /// of a file written while training with Adam, are verified and take no memory.
    pub fn load_weights(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_parts(path.as_ref(), codec::Parts::WithoutOptimizer)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Two tensors share a name; a tensor has more than 32 dimensions; the content exceeds [`MAX_PAYLOAD`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut sink = Sink::new(Cursor::new(Vec::new()))?;
        codec::encode(self, &mut sink)?;
        Ok(sink.seal()?.into_inner())
    }

    /// Reads and verifies the bytes of a file.
    ///
    /// # Errors
    /// See [`ErrorKind`]: each kind of damage has its own.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        codec::decode(
            &mut source::Bytes::new(header::open(bytes)?),
            codec::Parts::All,
        )
    }

    /// The weight of this name.
    #[must_use]
    pub fn weight(&self, name: &str) -> Option<&Tensor> {
        self.weights
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, tensor)| tensor)
    }

    fn load_parts(path: &Path, parts: codec::Parts) -> Result<Self> {
        file::read(path, parts).map_err(|e| e.at(path))
    }
}

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
