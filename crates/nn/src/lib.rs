//! Layers, initializers, regularizers, losses and models, in the vocabulary of Keras.
//!
//! A model is described layer by layer, checked when it is built, and then run on batches:
//!
//! ```
//! use taper_nn::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
//! use taper_nn::{CategoricalCrossentropy, L2, Relu, Seed, Sequential, Softmax};
//! use taper_tensor::Tensor;
//!
//! let l2 = L2(0.01);
//! let mut model = Sequential::new([28, 28, 1])
//!     .add(Conv2D::new(8, 3).activation(Relu).kernel_regularizer(l2))
//!     .add(Dropout::new(0.5))
//!     .add(MaxPooling2D::new(2))
//!     .add(Flatten)
//!     .add(Dense::new(10).activation(Softmax))
//!     .build(Seed(7))?; // shapes are checked here, layer by layer
//! println!("{}", model.summary());
//!
//! let images = Tensor::ones([4, 28, 28, 1]);
//! let labels = Tensor::one_hot(&[3, 1, 4, 1], 10)?;
//! let step = model.train_batch(&images, &labels, &CategoricalCrossentropy, Seed(7), 0)?;
//! assert_eq!(step.gradients.len(), 4); // two kernels, two biases
//! let probabilities = model.predict(&images)?;
//! assert_eq!(probabilities.shape(), [4, 10]);
//! # Ok::<(), taper_nn::Error>(())
//! ```
//!
//! Where wires meet or part, [`Functional`] takes the place of [`Sequential`]; both fill the same graph:
//!
//! ```
//! use taper_nn::{Functional, Relu, Seed, Softmax, junctions::Concatenate, layers::{Conv2D, Dense, Flatten}};
//! use taper_tensor::Tensor;
//!
//! let mut net = Functional::new();
//! let image = net.input("image", [28, 28, 1]);
//! let vector = net.input("vector", [4]);
//! let x = net.apply(Conv2D::new(8, 3).activation(Relu), image);
//! let x = net.apply(Flatten, x);
//! let both = net.join(Concatenate::new(), &[x, vector]);
//! let kind = net.apply(Dense::new(10).activation(Softmax), both);
//! let size = net.apply(Dense::new(1), both);
//! let model = net.outputs(&[kind, size]).build(Seed(7))?;
//! let outputs = model.predict_all([&Tensor::ones([2, 28, 28, 1]), &Tensor::ones([2, 4])])?;
//! assert_eq!((outputs[0].shape(), outputs[1].shape()), (&[2, 10][..], &[2, 1][..]));
//! # Ok::<(), taper_nn::Error>(())
//! ```
//!
//! # What to know
//! - **A layer is a pure description** ([`Describe`], [`Layer`]): it holds no weights and no state. Weights belong to
//!   the [`Model`], random numbers are a function of the seed, the layer's place and the step.
//! - **A model is a graph** of layers (one input, one output) and [`Junction`]s (several of either). A layer that is
//!   called more than once shares its weights; [`Model::with_outputs`] hands out what lies inside.
//! - **Freezing belongs to layers** ([`FreezeExt::frozen`], [`Model::set_trainable`]) and is written down with them.
//! - **Numerics follow Keras 3**: defaults, initializers, `L2(λ)` = λ·Σw², clipping of probabilities, losses from the
//!   logits where softmax or sigmoid is last.
//! - **Fusion happens when a model is built** ([`fusion`]): Conv2D with bias, relu, dropout and pooling is one kernel.
//!   `.fuse(false)` switches it off; results are the same to rounding.
//! - **A finished model is prepared** ([`inference`]): `model.prepare(max_batch)?.predict_into(&inputs, &mut outputs)?`
//!   folds, packs and lays out everything once, and then allocates nothing, for one sample at a time or for many.
//! - **Penalties of weights stay off the tape**: [`Step::gradients`] are those of the loss, and the optimizer adds
//!   the penalty's gradient in its own pass.
//! - **Tables** ([`layers::all`], [`junctions::all`], [`activations::all`], [`losses::all`], [`regularizers::all`],
//!   [`initializers::all`], [`constraints::all`], [`fusion::all`]) feed the tests: what is not in its table fails one, what
//!   is in it is checked for its gradients ([`gradcheck`]). Layers of other crates are read through a [`Registry`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod activations;
mod attention;
mod config;
pub mod constraints;
mod context;
mod description;
mod error;
mod functional;
pub mod fusion;
pub mod gradcheck;
mod graph;
pub mod inference;
pub mod initializers;
mod junction;
pub mod junctions;
mod layer;
pub mod layers;
pub mod losses;
mod masks;
mod model;
mod names;
mod plan;
mod preparation;
pub mod recurrent;
mod registry;
pub mod regularizers;
mod sequential;
mod setting;
mod settings;
mod summary;
#[cfg(test)]
mod testing;
mod weight_checks;
mod weights;

pub use activations::ActivationKind::{self, *};
pub use config::{Margins, Pair, Single, Sizes, Values};
pub use constraints::{Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm};
pub use context::Context;
pub use error::{Error, Result};
pub use functional::{Functional, Outputs, Shared};
pub use graph::Wire;
pub use inference::{Evaluator, Prepared};
pub use initializers::Initializer;
pub use junction::{DescribeJunction, ForwardRelu, Junction};
pub use layer::{AtInference, Describe, FreezeExt, Frozen, Layer, ScaleAndShift, WeightSpec};
pub use losses::{Loss, LossExt, Reduction, kinds::*};
pub use model::{Inner, Losses, Measured, Model, Parameter, Step, Tensors};
pub use preparation::{Factor, OutputMode};
pub use registry::{JunctionFromConfig, LayerFromConfig, Registry};
pub use regularizers::{L1, L1L2, L2, OrthogonalRegularizer, Regularizer};
pub use sequential::Sequential;
pub use setting::{MAX_VALUES, read as read_settings};
pub use taper_tensor::ops::{FillMode, Interpolation};
pub use taper_tensor::{Padding, Seed};
pub use weights::Loaded;

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
