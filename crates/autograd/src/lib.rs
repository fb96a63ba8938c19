//! A tape that records tensor operations and returns their gradients.
//!
//! Put tensors on a [`Tape`] as parameters (whose gradients are wanted) or constants, compute with them as with
//! tensors, and ask the resulting loss for its gradients:
//!
//! ```
//! use taper_autograd::Tape;
//! use taper_tensor::{Seed, Stream, Tensor};
//!
//! # fn main() -> taper_tensor::Result<()> {
//! let x: Tensor = Tensor::normal([8, 3], 0.0, 1.0, Seed(7).key(Stream::User(0), 0));
//! let weights = Tensor::normal([3, 2], 0.0, 1.0, Seed(7).key(Stream::User(1), 0));
//!
//! let tape = Tape::new();
//! let w = tape.parameter(&weights);
//! let loss = tape.constant(&x).matmul(&w)?.relu().mean();
//! let gradients = loss.backward()?;
//! assert_eq!(gradients[&w].shape(), weights.shape());
//! # Ok(())
//! # }
//! ```
//!
//! # What to know
//! - **One tape, one step.** Walking back ([`Var::backward`]) consumes what was recorded. Make a new tape for the
//!   next step; it costs nothing, and all memory of the old one goes back to the pool of buffers.
//! - **Nothing is recorded for constants.** A computation that no parameter takes part in saves nothing and costs
//!   what the tensors cost; so the same code serves training and inference. No gradient is computed for an input
//!   that does not want one.
//! - **Gradients can be differentiated again**: [`Var::gradients`] puts them on the tape, as values like any other.
//! - **A [`Var`] shares storage with its tensor.** To update weights in place after a step, drop its variables
//!   first (or the update copies the weights).
//! - **Methods that cannot fail return a [`Var`]** (`relu`, `exp`, `mean`, …), the others a
//!   [`Result`](taper_tensor::Result) whose error names the operation and the shapes.
//! - **Every operation is checked**: [`ops::all`] lists them, [`gradcheck`] compares their gradients in f64 with
//!   central differences on random shapes and values.
//!
//! An operation of your own needs an [`Op`] and a call of [`Tape::record`].
#![forbid(unsafe_code)]

mod again;
mod equation;
pub mod gradcheck;
mod gradients;
mod operators;
pub mod ops;
mod recurrent;
mod support;
mod tape;
mod var;
mod walk;

pub use gradients::Gradients;
pub use tape::{Op, Place, Tape, Var};
