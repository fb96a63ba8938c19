//! `use taper_train::prelude::*;` brings what a training program writes: layers, losses, optimizers and the trainer.

pub use crate::metrics::kinds::*;
pub use crate::{
    CSVLogger, Callback, Checkpoint, CheckpointExt, ConfusionMatrix, EarlyStopping, EpochRecord,
    Error, Evaluate, Evaluation, Event, Fit, History, LambdaCallback, LearningRateScheduler,
    LrFinder, Metric, Mode, ModelCheckpoint, Predictions, ReduceLROnPlateau, StopFlag,
    SwapEMAWeights, TerminateOnNaN, Trainer, View,
};
pub use taper_datasets::{Dataset, InMemory, Mnist};
// The function, not the layer `layers::Softmax` of the same name.
pub use taper_nn::ActivationKind::Softmax;
pub use taper_nn::ActivationKind::{self, *};
pub use taper_nn::junctions::{
    Add, AdditiveAttention, Attention, Concatenate, GroupQueryAttention, MultiHeadAttention,
};
pub use taper_nn::layers::*;
pub use taper_nn::losses::kinds::*;
pub use taper_nn::{
    Functional, Initializer, L1, L1L2, L2, Layer, Loss, LossExt, Model, Padding, Reduction,
    Regularizer, Sequential,
};
pub use taper_optim::Optimizer;
pub use taper_optim::optimizers::prelude::*;
pub use taper_tensor::{Seed, Tensor};

#[cfg(test)]
mod tests {
    /// Layers, losses, metrics, optimizers and activations come with a `*`; the others are named one by one.
    #[test]
    fn every_junction_is_here() {
        let source = include_str!("prelude.rs");
        let words: Vec<&str> = source.split(|c: char| !c.is_alphanumeric()).collect();
        for row in taper_nn::junctions::all::<f32>() {
            let name = row.class_name;
            assert!(words.contains(&name), "{name} is missing in the prelude");
        }
    }
}
