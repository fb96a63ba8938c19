//! A guide for those who know Keras: Keras on the left, Taper on the right. Every snippet of Taper is run by the tests.
//!
//! - [`notebook`]: data, model, training, measuring, line by line;
//! - [`names`]: what stands where, and what is called otherwise;
//! - [`saving`]: saving, loading and going on;
//! - [`own_layer`]: a layer of one's own;
//! - [`speed`]: where time goes, and what to put into a `Cargo.toml` for debug builds.
//!
//! Programs to begin with lie in the crate's folder `examples`.

#[doc = include_str!("../guide/notebook.md")]
pub mod notebook {}

#[doc = include_str!("../guide/names.md")]
pub mod names {}

#[doc = include_str!("../guide/saving.md")]
pub mod saving {}

#[doc = include_str!("../guide/own_layer.md")]
pub mod own_layer {}

#[doc = include_str!("../guide/speed.md")]
pub mod speed {}
