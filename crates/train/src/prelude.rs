//! `use taper_train::prelude::*;` brings what a training program writes: layers, losses, optimizers and the trainer.

pub use crate::metrics::kinds::*;
pub use crate::{
    Callback, Checkpoint, CheckpointExt, ConfusionMatrix, EarlyStopping, EpochRecord, Error,
    Evaluate, Evaluation, Event, Fit, History, Metric, Mode, ModelCheckpoint, ReduceLROnPlateau,
    StopFlag, Trainer, View,
};
pub use taper_datasets::{Dataset, Mnist};
pub use taper_nn::layers::*;
pub use taper_nn::{
    BinaryCrossentropy, CategoricalCrossentropy, Initializer, L1, L1L2, L2, Layer, Linear, Loss,
    MeanSquaredError, Model, Padding, Relu, Sequential, Sigmoid, Softmax,
    SparseCategoricalCrossentropy, Tanh,
};
pub use taper_optim::Optimizer;
pub use taper_optim::optimizers::prelude::*;
pub use taper_tensor::{Seed, Tensor};
