//! Train and run neural networks on the CPU, in pure Rust, in the vocabulary of Keras.
//!
//! This crate is the door to the others: each of them is a module here, and the [`prelude`] has what a program writes.
//!
//! ```
//! use taper::prelude::*;
//!
//! // Points inside and outside of a circle.
//! let points = Tensor::uniform([400, 2], -1.0, 1.0, Seed(1).key(Stream::User(0), 0));
//! let inside = |point: &[f32]| usize::from(point[0].hypot(point[1]) < 0.8);
//! let classes: Vec<usize> = points.to_vec().chunks(2).map(inside).collect();
//! let data = InMemory::new(points, Tensor::one_hot(&classes, 2)?)?;
//! let (train, test) = split(&data, 0.25, Seed(7))?;
//!
//! let mut model = Sequential::new([2])
//!     .add(Dense::new(16).activation(Relu))
//!     .add(Dense::new(2).activation(Softmax))
//!     .build(Seed(7))?; // shapes are checked here, layer by layer
//! let history = Trainer::new(Adam::new(0.01), CategoricalCrossentropy)
//!     .epochs(20)
//!     .validation(&test)
//!     .fit(&mut model, &train)?;
//! assert!(history.last().and_then(|epoch| epoch.val_accuracy) > Some(0.8));
//!
//! let file = Checkpoint::of(&model).to_bytes()?; // or `save` it at a path
//! let model = Checkpoint::from_bytes(&file)?.into_model()?;
//! assert_eq!(model.predict(&Tensor::zeros([1, 2]))?.argmax(1)?, [1]); // the middle is inside
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to go from here
//! - [`guide`] takes a user of Keras through a notebook, line by line, and says what is called otherwise.
//! - The crate's folder `examples` has a program for each of a newcomer's tasks: the notebook, a residual network, two
//!   inputs with a shared tower, an autoencoder, an LSTM, a transformer, a table, rare classes, cross-validation, a layer,
//!   loss, optimizer and metric of one's own, a differential equation, a service of predictions.
//! - The front page of each module says what it promises: [`tensor`], [`autograd`], [`nn`], [`optim`], [`datasets`],
//!   [`checkpoint`], [`train`].
//!
//! # Features
//! One for each crate, by its name: `tensor`, `autograd`, `nn`, `optim`, `datasets`, `checkpoint` and `train`, all on by
//! default, and `files`, off by default. Those on whose types a crate stands come with it. Off by
//! default are also `ndarray`, conversions from and to its arrays, and `fetch`, which downloads data sets and brings forty
//! crates of HTTP and TLS.
//!
//! # In debug builds
//! Kernels that are not optimized take 150 times as long: [`guide::speed`] says what to put into `Cargo.toml`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "train")] // its links go to all of them
pub mod guide;
pub mod prelude;

#[cfg(feature = "autograd")]
#[doc(inline)]
pub use taper_autograd as autograd;
#[cfg(feature = "checkpoint")]
#[doc(inline)]
pub use taper_checkpoint as checkpoint;
#[cfg(feature = "datasets")]
#[doc(inline)]
pub use taper_datasets as datasets;
#[cfg(feature = "files")]
#[doc(inline)]
pub use taper_files as files;
#[cfg(feature = "nn")]
#[doc(inline)]
pub use taper_nn as nn;
#[cfg(feature = "optim")]
#[doc(inline)]
pub use taper_optim as optim;
#[cfg(feature = "tensor")]
#[doc(inline)]
pub use taper_tensor as tensor;
#[cfg(feature = "train")]
#[doc(inline)]
pub use taper_train as train;

/// The example of the package's page is run as those of the documentation are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
