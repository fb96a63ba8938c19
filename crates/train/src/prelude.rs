//! `use taper_train::prelude::*;` brings what a training program writes: layers, losses, optimizers and the trainer.

pub use crate::metrics::kinds::*;
pub use crate::{
    Callback, Checkpoint, CheckpointExt, ConfusionMatrix, EarlyStopping, EpochRecord, Error,
    Evaluate, Evaluation, Event, Fit, History, Metric, Mode, ModelCheckpoint, Predictions,
    ReduceLROnPlateau, StopFlag, Trainer, View,
};
pub use taper_datasets::{Dataset, InMemory, Mnist};
pub use taper_nn::ActivationKind::{self, *};
pub use taper_nn::junctions::{Add, Concatenate};
pub use taper_nn::layers::*;
pub use taper_nn::{
    BinaryCrossentropy, CategoricalCrossentropy, Functional, Initializer, L1, L1L2, L2, Layer,
    Loss, MeanSquaredError, Model, Padding, Regularizer, Sequential, SparseCategoricalCrossentropy,
};
pub use taper_optim::Optimizer;
pub use taper_optim::optimizers::prelude::*;
pub use taper_tensor::{Seed, Tensor};

#[cfg(test)]
mod tests {
    /// Layers, metrics, optimizers and activations come with a `*`; the others are named one by one.
    #[test]
    fn every_junction_and_loss_is_here() {
        let source = include_str!("prelude.rs");
        let words: Vec<&str> = source.split(|c: char| !c.is_alphanumeric()).collect();
        let junctions = taper_nn::junctions::all::<f32>();
        let losses = taper_nn::losses::all::<f32>();
        let names = junctions.iter().map(|row| row.class_name);
        for name in names.chain(losses.iter().map(|row| row.class_name)) {
            assert!(words.contains(&name), "{name} is missing in the prelude");
        }
    }
}
