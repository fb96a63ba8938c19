//! Tensors on the CPU, in pure Rust.
//!
//! A [`Tensor`] is a shape over reference-counted memory. Views (reshape, transpose, slice, broadcast) copy nothing;
//! arithmetic follows NumPy's broadcasting rules; matrix products, convolutions and poolings run on SIMD kernels that
//! are chosen at run time for the processor at hand. `f32` is for training, `f64` for checking gradients.
//!
//! ```
//! use taper_tensor::{Seed, Stream, Tensor};
//!
//! let images = Tensor::<f32>::uniform([64, 784], 0.0, 1.0, Seed(7).key(Stream::User(0), 0));
//! let weights = Tensor::normal([784, 10], 0.0, 0.05, Seed(7).key(Stream::Init(0), 0));
//! let probabilities = images.matmul(&weights)?.softmax(1)?;
//! assert_eq!(probabilities.shape(), [64, 10]);
//!
//! let centred = images.sub(&images.mean_axes(&[0], true)?)?; // [64, 784] − [1, 784]
//! assert!(centred.mean().item()?.abs() < 1e-6);
//! # Ok::<(), taper_tensor::Error>(())
//! ```
//!
//! What the crate promises:
//!
//! - **Same bits for any number of threads.** Work is cut into pieces that depend on shapes only, and sums run over a
//!   fixed tree.
//! - **Randomness without hidden state.** A random number is a function of seed, stream, step and position:
//!   see [`random`].
//! - **Memory is reused.** Dropped tensors leave their memory to a pool; a loop that asks for the same sizes again
//!   allocates nothing: see [`buffer`] and [`allocation_count`].
//! - **Errors name the operation and the shapes.** Nothing that comes from outside makes a method panic.
//! - `unsafe` code is confined to the folder `simd`.
//!
//! The modules [`kernels`] and [`simd`] are internals, for the crates above this one: they may change with every version.
//!
//! Gradients are the business of `taper-autograd`, layers of `taper-nn`.

#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod buffer;
pub mod element;
mod error;
pub mod kernels;
pub mod matrix;
pub mod ops;
#[doc(hidden)]
pub mod prepared;
pub mod random;
pub mod scalar;
#[doc(hidden)] // the words of other crates' errors; they may change with every version
pub mod setting;
pub mod shape;
#[allow(unsafe_code)]
pub mod simd;
pub mod steady;
mod tensor;
mod walk;

pub use buffer::allocation_count;
pub use element::Element;
pub use error::{Error, Result};
pub use kernels::{Conv2dSpec, Padding, Pool2dSpec, PoolPositions};
pub use random::{Key, Seed, Stream};
pub use scalar::Scalar;
pub use tensor::{Cumulative, Tensor};

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
