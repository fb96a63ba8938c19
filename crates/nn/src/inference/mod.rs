//! Prepared inference: a model's weights folded, packed and laid out once, then run again and again.
//!
//! [`Model::prepare`] makes a [`Prepared`] of a built model. Dropout is gone, Flatten and Reshape cost nothing, a scale
//! and shift a channel (batch normalization) is multiplied into the weights in front, bias, relu and 2×2 maximum are part
//! of the convolution, activations work in place. Weights lie in memory of their own, activations in memory that is taken
//! once: a run allocates nothing.
//!
//! ```
//! use taper_nn::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
//! use taper_nn::{Relu, Seed, Sequential, Softmax};
//!
//! let model = Sequential::new([28, 28, 1])
//!     .add(Conv2D::new(8, 3).activation(Relu))
//!     .add(Dropout::new(0.5))
//!     .add(MaxPooling2D::new(2))
//!     .add(Flatten)
//!     .add(Dense::new(10).activation(Softmax))
//!     .build(Seed(7))?;
//! let mut prepared = model.prepare(32)?; // memory for up to 32 images at once
//! assert_eq!(prepared.steps().len(), 2); // [conv2d, dropout, max_pooling2d], [dense]
//!
//! let image = vec![0.5; 28 * 28];
//! let mut probabilities = [0.0; 10];
//! prepared.predict_into(&image, &mut probabilities)?;
//! assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
//! # Ok::<(), taper_nn::Error>(())
//! ```
//!
//! - `build.rs` goes over the layers and asks the table of `steps` what runs them; `fold.rs` knows which layers vanish.
//! - `run.rs` takes a batch through the steps. Steps that treat each sample by itself form one stage: of a large batch,
//!   every task takes its samples through the whole stage, so that what lies between two layers stays in its core's
//!   cache; a single sample is cut inside each layer, so that all cores work on it.
//!
//! [`Model::evaluator`] makes an [`Evaluator`], which measures a model's loss the same way.
//!
//! The figures equal those of [`Model::predict`] to rounding (weights are folded, sums run in another order) and are the
//! same bits for any number of threads.

mod build;
mod evaluator;
mod fold;
mod run;
pub mod steps;
#[cfg(test)]
mod tests;

pub use evaluator::Evaluator;

use crate::{ActivationKind, Error, Model, Result};
use run::{Memory, Stage};
use std::fmt;
use steps::Then;
use taper_tensor::Tensor;

/// A model made ready to predict: see [the module](self). It is a snapshot: later changes of the model's weights do not
/// reach it.
pub struct Prepared {
    input_shape: Vec<usize>,
    output_shape: Vec<usize>,
    max_batch: usize,
    names: Vec<String>,
    stages: Vec<Stage>,
    /// Softmax or sigmoid behind the stages, kept apart because losses are computed from logits; otherwise linear.
    last: ActivationKind,
    memory: Memory,
}

impl Model<f32> {
    /// Makes the model ready to predict batches of up to `max_batch` samples at once (at least 1); larger ones go piece by
    /// piece. Weights that need no packing are shared with the model (they are copied when it changes them).
    ///
    /// # Errors
    /// A layer that refuses its weights, by name and place; more memory than there can be for so large a batch.
    pub fn prepare(&self, max_batch: usize) -> Result<Prepared> {
        let max_batch = max_batch.max(1);
        let mut stages = build::stages(self)?;
        Ok(Prepared {
            input_shape: self.input_shape().to_vec(),
            output_shape: self.output_shape().to_vec(),
            max_batch,
            names: self.layer_names().to_vec(),
            memory: Memory::new(&stages, max_batch)?,
            last: build::take_last(self, &mut stages),
            stages,
        })
    }
}

impl Prepared {
    /// The shape of one input, without the batch axis.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// The shape of one output, without the batch axis.
    pub fn output_shape(&self) -> &[usize] {
        &self.output_shape
    }

    /// How many samples run at once.
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// What runs: each step's name and the names of the layers that it covers. Layers in front of the first step and
    /// behind the last one that are in no step do nothing at inference.
    pub fn steps(&self) -> Vec<(&'static str, &[String])> {
        let steps = self.stages.iter().flat_map(|stage| &stage.steps);
        steps
            .map(|step| (step.name, &self.names[step.layers.clone()]))
            .collect()
    }

    /// Predicts samples that lie one behind the other in `input` (row-major, channels last) and writes their outputs one
    /// behind the other. Any number of samples will do. Allocates nothing once every thread has run it, unless a layer is
    /// of a kind that the steps do not know (its step is then called `layer`).
    ///
    /// # Errors
    /// Lengths that are not those of the same number of samples.
    pub fn predict_into(&mut self, input: &[f32], output: &mut [f32]) -> Result<()> {
        self.logits_into(input, output)?;
        self.finish(output);
        Ok(())
    }

    /// As [`Self::predict_into`], without the last activation function.
    fn logits_into(&mut self, input: &[f32], output: &mut [f32]) -> Result<()> {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let samples = input
            .len()
            .checked_div(inputs)
            .or_else(|| output.len().checked_div(outputs))
            .unwrap_or(0);
        if samples * inputs != input.len() || samples * outputs != output.len() {
            let message = format!(
                "{} values in, {} values out: a sample is {:?} = {inputs} values in, {:?} = {outputs} values out, and their number must be the same",
                input.len(),
                output.len(),
                self.input_shape,
                self.output_shape
            );
            return Err(Error::layer("prepared model", message));
        }
        let mut first = 0;
        while first < samples {
            let count = self.max_batch.min(samples - first);
            let x = &input[first * inputs..][..count * inputs];
            let y = &mut output[first * outputs..][..count * outputs];
            run::run(&self.stages, count, x, y, &mut self.memory)
                .map_err(|(layer, error)| error.in_layer(&self.names[layer], layer))?;
            first += count;
        }
        Ok(())
    }

    /// The outputs for any number of samples: `[n, …]` → `[n, …]`.
    ///
    /// # Errors
    /// An input of another shape.
    pub fn predict(&mut self, x: &Tensor) -> Result<Tensor> {
        let mut y = self.logits(x)?;
        self.finish(y.as_mut_slice());
        Ok(y)
    }

    /// As [`Self::predict`], without the last activation function.
    fn logits(&mut self, x: &Tensor) -> Result<Tensor> {
        let samples = crate::model::samples(x, &self.input_shape)?;
        let mut y = Tensor::zeros([&[samples], self.output_shape()].concat());
        let x = x.contiguous();
        self.logits_into(x.as_slice().unwrap_or_default(), y.as_mut_slice())?;
        Ok(y)
    }

    /// The last activation function, in place.
    fn finish(&self, y: &mut [f32]) {
        if let Some(last) = Then::activation(self.last, &self.output_shape) {
            last.apply(y);
        }
    }

    fn inputs(&self) -> usize {
        self.input_shape.iter().product()
    }

    fn outputs(&self) -> usize {
        self.output_shape.iter().product()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("max_batch", &self.max_batch)
            .field("steps", &self.steps())
            .finish_non_exhaustive()
    }
}
