//! `use taper::prelude::*;` brings what a program writes: tensors and the tape, layers, losses, metrics, optimizers,
//! schedules, data sets and the trainer, and the traits to write one's own of each.
//!
//! Names are Keras's where Keras has them. Two things share a name now and then: `Softmax` is the activation function
//! (the layer is [`nn::layers::Softmax`](crate::nn::layers::Softmax)), `LSTM` and its kin are the layers with one output
//! (those that also hand out their states are in [`nn::junctions`](crate::nn::junctions)).

#[cfg(feature = "tensor")]
pub use taper_tensor::{Element, Padding, Seed, Stream, Tensor};

#[cfg(feature = "autograd")]
pub use taper_autograd::{Gradients, Tape, Var};

// The function, not the layer `layers::Softmax` of the same name.
#[cfg(feature = "nn")]
pub use taper_nn::ActivationKind::Softmax;
#[cfg(feature = "nn")]
pub use taper_nn::ActivationKind::{self, *};
#[cfg(feature = "nn")]
pub use taper_nn::junctions::{
    Add, AdditiveAttention, Attention, Average, Concatenate, Dot, GroupQueryAttention, Maximum,
    Minimum, MultiHeadAttention, Multiply, Subtract,
};
#[cfg(feature = "nn")]
pub use taper_nn::layers::*;
#[cfg(feature = "nn")]
pub use taper_nn::losses::kinds::*;
#[cfg(feature = "nn")]
pub use taper_nn::{
    Constraint, Context, Describe, DescribeJunction, Evaluator, FreezeExt, Functional, Initializer,
    Junction, L1, L1L2, L2, Layer, Loss, LossExt, MaxNorm, MinMaxNorm, Model, NonNeg,
    OrthogonalRegularizer, Prepared, Reduction, Registry, Regularizer, Sequential, UnitNorm,
    WeightSpec, Wire,
};

#[cfg(feature = "optim")]
pub use taper_optim::optimizers::prelude::*;
#[cfg(feature = "optim")]
pub use taper_optim::schedules::{
    CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, OneCycle,
    PiecewiseConstantDecay, PolynomialDecay, WarmUp,
};
#[cfg(feature = "optim")]
pub use taper_optim::{Clipping, LearningRate, Optimizer, Penalty, Schedule};

#[cfg(feature = "datasets")]
pub use taper_datasets::{
    Batches, CutMix, Dataset, ImageDataset, InMemory, MixUp, Mnist, Subset, k_fold, split,
    stratified_k_fold, stratified_split,
};

#[cfg(feature = "checkpoint")]
pub use taper_checkpoint::Checkpoint;

#[cfg(feature = "train")]
pub use taper_train::prelude::*;
#[cfg(feature = "train")]
pub use taper_train::{evaluate, metrics::MetricExt, predict, predict_all};

#[cfg(all(test, feature = "nn", feature = "optim"))]
mod tests {
    /// Layers, losses, metrics, optimizers and activations come with a `*`; the others are named one by one.
    #[test]
    fn every_junction_and_schedule_is_here() {
        let source = include_str!("prelude.rs");
        let words: Vec<&str> = source.split(|c: char| !c.is_alphanumeric()).collect();
        let layers = taper_nn::layers::all::<f32>();
        let layers: Vec<&str> = layers.iter().map(|row| row.class_name).collect();
        let junctions = taper_nn::junctions::all::<f32>();
        let junctions = junctions.iter().map(|row| row.class_name);
        let schedules = taper_optim::schedules::all();
        let schedules = schedules.iter().map(|row| row.class_name);
        for name in junctions.chain(schedules) {
            assert!(
                layers.contains(&name) || words.contains(&name),
                "{name} is missing"
            );
        }
    }
}
