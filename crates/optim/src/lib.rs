//! Optimizers, learning-rate schedules and gradient clipping, in Keras's form.
//!
//! An optimizer is a pure description; its moments live in a [`State`]; [`apply`] makes a step:
//!
//! ```
//! use taper_optim::{Adam, Clipping, Optimizer, Penalty, State, Weight, apply};
//! use taper_optim::schedules::CosineDecay;
//! use taper_tensor::Tensor;
//!
//! let adam: &dyn Optimizer = &Adam::new(CosineDecay::new(0.01, 100.0)).clipping(Clipping::GlobalNorm(1.0));
//! let mut w = Tensor::<f32>::ones([4]);
//! let mut state = State::new(adam, [Some(w.shape())]);
//! for _ in 0..100 {
//!     let weight = Weight { gradient: Some(w.scale(2.0)), value: &mut w, penalty: Penalty { l1: 0.0, l2: 0.01 } };
//!     let rate = adam.learning_rate_at(state.iterations);
//!     apply(adam, &mut state, rate, [weight])?;
//! }
//! assert!(w.to_vec().iter().all(|&w| w < 0.6));
//! # Ok::<(), taper_optim::Error>(())
//! ```
//!
//! # What to know
//! - **A step is one pass** over weight, gradient and moments; the gradient of the weight's penalty
//!   (`l1·sign(w) + 2·l2·w`) is added within it, and values too small for normal floats become 0.
//! - **With clipping** the penalty's gradient is added first, since in Keras it belongs to the loss that is clipped.
//! - **Names and defaults are those of Keras**: [`optimizers::from_config`] reads what [`Optimizer::config`] wrote,
//!   and slots are called `momentum` and `velocity`.
//! - **Around every rule** stand weight decay, gathered gradients and a moving average of the weights ([`Extras`]).
//! - **No step writes what is not finite**: a step that would is not made, and nothing has changed ([`Error::NotFinite`]).
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod apply;
mod aside;
mod clipping;
mod common;
mod error;
mod extras;
mod finite;
mod magnitudes;
mod math;
mod optimizer;
pub mod optimizers;
pub mod schedules;
mod setting;
mod state;

pub use apply::apply;
pub use clipping::Clipping;
pub use error::{Error, Result};
pub use extras::{Ema, Extras};
pub use magnitudes::Magnitudes;
pub use optimizer::Optimizer;
pub use optimizers::prelude::*;
pub use schedules::{LearningRate, Schedule};
pub use state::{State, Weight};
pub use taper_tensor::kernels::update::Penalty;

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
