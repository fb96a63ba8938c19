//! `fit`, `evaluate`, `predict`: training models with Keras's bookkeeping, metrics, callbacks and history.
//!
//! ```no_run
//! use taper_train::prelude::*;
//!
//! let mnist = Mnist::open("data/mnist")?;
//! let l2 = L2(0.01);
//! let mut model = Sequential::new([28, 28, 1])
//!     .add(Conv2D::new(32, 3).activation(Relu).kernel_regularizer(l2))
//!     .add(Dropout::new(0.5))
//!     .add(Conv2D::new(64, 3).activation(Relu).kernel_regularizer(l2))
//!     .add(MaxPooling2D::new(2))
//!     .add(Flatten)
//!     .add(Dense::new(128).activation(Relu).kernel_regularizer(l2))
//!     .add(Dense::new(10).activation(Softmax))
//!     .build(Seed(7))?;
//!
//! let history = Trainer::new(Adam::default(), CategoricalCrossentropy)
//!     .metric(Accuracy)
//!     .epochs(8)
//!     .batch_size(64)
//!     .validation(mnist.test())
//!     .callback(EarlyStopping::on("val_loss").patience(3))
//!     .fit(&mut model, mnist.train())?;
//! println!("{:?}", history.last());
//!
//! Checkpoint::of(&model).history(&history).save("mnist.taper")?;
//! let model = Checkpoint::load("mnist.taper")?.into_model()?;
//! let probabilities = taper_train::predict(&model, mnist.test(), 64)?; // [10000, 10]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the figures mean
//!
//! As in Keras 3: the `loss` and `accuracy` of an epoch are means over its samples, taken while it runs, each batch with
//! the weights of its moment and with dropout; the loss includes the penalties of that moment; a last, smaller batch
//! counts with as many samples as it has; `val_loss` includes the penalty at the end of the epoch. Penalties are those of
//! weights and of layers' outputs (activity regularizers), in training as in measuring.
//! Because running figures hide the true gap, [`Trainer::measure_training_set`] adds the training set's figures with the
//! weights at the end of the epoch and dropout off, and every loss is also given without its penalty:
//! [`data_loss`](EpochRecord::data_loss), which files and [`EpochRecord::get`] call `cross_entropy` where it is one.
//! Accuracy is measured where the loss tells classes apart ([`Loss::is_classification`](taper_nn::Loss)), elsewhere if
//! asked for. Metrics run over the whole set: what is no mean of batches ([`AUC`], [`R2Score`](struct@R2Score)) is exact too.
//!
//! # Several inputs and outputs
//!
//! A data set's inputs and targets find the model's inputs and outputs by name; an output is named as the layer that makes
//! it. [`Trainer::loss_for`], [`Trainer::loss_weight`] and [`Trainer::metric_for`] say what each output is trained for, and
//! records, monitors and [`Evaluation`] name its figures as Keras does: `kind_loss`, `val_kind_accuracy`.
//! [`Trainer::weighted_metric`] measures with the weights of samples. The example stands at [`Trainer::loss_for`].
//!
//! # Going on
//!
//! Shuffling and dropout are functions of seed, epoch and step, so a checkpoint made after any batch
//! ([`View::checkpoint`], [`ModelCheckpoint`]) holds all there is to know: [`Trainer::resume`] continues to the bit as
//! if nothing had happened, with any number of threads. What callbacks remember and decide ([`Callback::state`],
//! [`Callback::tensors`], [`View::set_learning_rate`]) is part of it.
//!
//! Figures that are no finite numbers are kept, too: files hold NaN and ∞ as [`number`] says, and what is not measured
//! (`null`) is another thing than NaN.
//!
//! # What can be added
//!
//! A metric ([`Metric`]), a loss ([`Loss`](taper_nn::Loss)), a callback ([`Callback`]) of one's own is one type with one
//! trait. A loss says which targets it takes, a metric which shapes it can compare and which way it becomes better, so
//! that what does not fit, and what is misspelt, is an error before the first batch.
#![forbid(unsafe_code)]

pub mod callbacks;
mod checkpoint;
mod class_weight;
mod conditions;
mod confusion;
mod control;
mod error;
mod evaluate;
mod event;
mod figures;
mod fit;
mod goal;
mod hints;
mod history;
mod labels;
mod loss_check;
mod lr_finder;
mod measured;
mod measures;
pub mod metrics;
mod mode;
#[doc(hidden)] // for what measures steps; it may change with every version
pub mod moments;
mod names;
pub mod number;
mod outputs;
mod predict;
pub mod prediction;
pub mod prelude;
mod record;
mod running;
mod setting;
mod settings;
mod shapes;
mod trainer;

pub use callbacks::{
    CSVLogger, EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint,
    ReduceLROnPlateau, StopFlag, SwapEMAWeights, TerminateOnNaN,
};
pub use checkpoint::CheckpointExt;
pub use conditions::is_asked_for;
pub use confusion::ConfusionMatrix;
pub use error::{Error, Result};
pub use evaluate::{Evaluate, Evaluation, evaluate, evaluate_with};
pub use event::{Callback, Event, Swap, View};
pub use fit::Fit;
pub use history::History;
pub use lr_finder::{LrCurve, LrFinder};
pub use measures::Measures;
pub use metrics::{Metric, kinds::*};
pub use mode::Mode;
pub use predict::{Predictions, predict, predict_all};
pub use record::{DataLoss, EpochRecord};
pub use taper_checkpoint::Checkpoint;
pub use trainer::Trainer;
