//! What a trainer was told, and where it goes on from: the loop reads it, the trainer's setters write it.

use crate::{
    History,
    outputs::{PerOutput, Wishes},
};
use std::collections::BTreeMap;
use taper_checkpoint::{OptimizerState, Position};
use taper_datasets::Dataset;
use taper_nn::Loss;
use taper_optim::Optimizer;
use taper_tensor::Seed;

/// What stays the same during a run.
pub(crate) struct Settings<'a> {
    pub(crate) optimizer: Box<dyn Optimizer>,
    pub(crate) loss: Box<dyn Loss>,
    /// What was said of single outputs, and the metrics.
    pub(crate) outputs: PerOutput,
    /// Weights of the samples of a class in the training loss.
    pub(crate) class_weight: BTreeMap<usize, f64>,
    pub(crate) epochs: u64,
    pub(crate) batch_size: usize,
    pub(crate) seed: Seed,
    pub(crate) shuffle: bool,
    pub(crate) validation: Option<&'a dyn Dataset>,
    pub(crate) measure_training_set: bool,
    pub(crate) provenance: BTreeMap<String, String>,
}

impl Settings<'_> {
    /// Everything that is asked of the model's outputs.
    pub(crate) fn wishes(&self) -> Wishes<'_> {
        Wishes::new(&*self.loss, &self.outputs)
    }
}

/// Where to go on from.
pub(crate) struct Resumption {
    pub(crate) optimizer: OptimizerState,
    pub(crate) position: Position,
    pub(crate) history: History,
    pub(crate) provenance: BTreeMap<String, String>,
    /// Changes that were asked for.
    pub(crate) accept: Vec<String>,
}
