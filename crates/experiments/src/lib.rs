//! Studies: the same network in several variants, run after run, and a page that shows what differs.
//!
//! - [`study`] describes what is compared, as data: a TOML file, a line a variant;
//! - [`run`] trains every variant with every seed, survives crashes, and keeps figures;
//! - [`statistics`] says what differences between variants can carry;
//! - [`report`] makes one self-contained page of them;
//! - [`picture`] prepares pictures of any kind for a network, and shows them in a terminal;
//! - [`cli`] is the `taper` program, [`console`] what it prints through.
//!
//! A study that is run and reported, as `taper train` does it:
//!
//! ```no_run
//! use taper_experiments::report;
//! use taper_experiments::run::{Context, Environment, RunFolder, StudyData, check, run_all};
//! use taper_experiments::study::Study;
//!
//! let study = Study::regularization();
//! let data = StudyData::open(&study, None)?;
//! check(&study, &data)?;
//! let folder = RunFolder::create("runs".as_ref(), &study)?;
//! folder.write_summary(&Environment::here(2, 1))?;
//! let context = Context {
//!     study: &study,
//!     data: &data,
//!     folder: &folder,
//!     stop: Default::default(),
//!     checkpoint_every: std::time::Duration::from_secs(20),
//! };
//! for (job, outcome) in run_all(&context, 2, 1, &())? {
//!     println!("{job}: {:?}", outcome?);
//! }
//! println!("{}", report::write(&folder)?.display());
//! # Ok::<(), taper_experiments::Error>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod cli;
pub mod console;
mod error;
mod figures;
pub mod picture;
pub mod report;
pub mod run;
pub mod statistics;
pub mod study;

pub use error::{Error, Result};
