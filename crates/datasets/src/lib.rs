//! Data sets for training on the CPU: IDX files, a catalog of MNIST and its family, downloads, batches.
//!
//! - [`idx`] reads and writes the IDX format: every element type and rank, plain or gzip, checked before
//!   anything is allocated;
//! - [`catalog`] knows data sets by name, finds their files, verifies them by SHA-256 and opens them;
//! - [`Dataset`] is what training needs of data, [`Batches`] walks through it, shuffled by a pure function of
//!   seed and epoch, and prepares the next batch while the last one is trained on;
//! - [`Subset`], [`split()`] and [`k_fold`] (and their stratified kin) keep samples apart to judge by;
//! - `fetch` (feature `fetch`, off by default) downloads, resumes, retries and verifies.
//!
//! Pixels stay `u8` on the disk and in the system's cache of it, and are read and made f32 a batch at a time: MNIST costs
//! the process no memory, and a file that another program shortens meanwhile is an error that names it.
//!
//! ```
//! use std::ops::ControlFlow;
//! use taper_datasets::{Batches, Dataset, ImageDataset, idx};
//! use taper_tensor::Seed;
//!
//! // Two files of one's own; `Mnist::open("data/mnist")` opens the ones that come with the project.
//! let folder = tempfile::tempdir()?;
//! let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
//! idx::save(&images, &[5, 2, 2], &[0u8; 20])?;
//! idx::save(&labels, &[5], &[0u8, 1, 2, 1, 0])?;
//! let data = ImageDataset::open("tiny", &images, &labels, ["a", "b", "c"])?;
//!
//! let mut seen = Vec::new();
//! let _ = Batches::new(&data, 2).shuffled(Seed(7), 0).for_each(|batch| {
//!     assert_eq!(batch.input().shape()[1..], [2, 2, 1]);
//!     assert_eq!(batch.target().shape()[1..], [3]);
//!     seen.extend(batch.indices);
//!     ControlFlow::<()>::Continue(())
//! })?;
//! seen.sort();
//! assert_eq!(seen, [0, 1, 2, 3, 4]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod batches;
pub mod catalog;
mod cut_mix;
mod dataset;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod files;
pub mod idx;
mod image;
mod in_memory;
mod location;
mod mix_up;
mod mixing;
mod mnist;
mod records;
mod split;
mod subset;

pub use batches::{Batch, Batches};
pub use catalog::Splits;
pub use cut_mix::CutMix;
pub use dataset::{Dataset, Field, Sample};
pub use error::{Error, Result};
pub use files::{FileStatus, Form, Trust, Verdict, info, verify};
pub use image::{ImageDataset, Layout};
pub use in_memory::InMemory;
pub use location::{Location, find_fixtures};
pub use mix_up::MixUp;
pub use mnist::Mnist;
pub use split::{Folds, k_fold, split, stratified_k_fold, stratified_split};
pub use subset::Subset;
pub use taper_files::sha256;

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
