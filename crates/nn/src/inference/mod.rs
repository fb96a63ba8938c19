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
//! - `build.rs` goes over the graph and asks the tables of `steps` and `junctions` what runs each part; `fold.rs` knows
//!   which layers vanish, `places.rs` where values lie between the parts. A model through which masks travel runs as it is
//!   (`whole.rs`).
//! - `run.rs` takes a batch through the parts. Steps that treat each sample by itself form one stage (`stage.rs`): of a
//!   large batch, every task takes its samples through the whole stage, so that what lies between two layers stays in
//!   its core's cache; a single sample is cut inside each layer, so that all cores work on it.
//!
//! [`Model::evaluator`] makes an [`Evaluator`], which measures a model's loss the same way.
//!
//! The figures equal those of [`Model::predict`] to rounding (weights are folded, sums run in another order) and are the
//! same bits for any number of threads.

mod build;
mod evaluator;
mod fold;
pub mod junctions;
mod places;
mod run;
mod stage;
pub mod steps;
#[cfg(test)]
mod tests;
mod whole;

pub use evaluator::Evaluator;

use crate::graph::Graph;
use crate::model::{check_inputs, only};
use crate::{ActivationKind, Error, Model, Result, Tensors};
use places::Memory;
use run::Deed;
use std::fmt;
use std::sync::Arc;
use steps::Then;
use taper_tensor::Tensor;

/// A model made ready to predict: see [the module](self). It is a snapshot: later changes of the model's weights do not
/// reach it.
pub struct Prepared {
    graph: Arc<Graph<f32>>,
    max_batch: usize,
    deeds: Vec<Deed>,
    /// For each output softmax or sigmoid at its end, kept apart because losses are computed from logits; otherwise
    /// linear.
    last: Vec<ActivationKind>,
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
        let (mut deeds, places) = build::deeds(self)?;
        let tasks = run::task_memory(&deeds, max_batch);
        Ok(Prepared {
            graph: Arc::clone(&self.graph),
            max_batch,
            memory: Memory::new(&places, max_batch, tasks)?,
            last: build::take_last(self, &mut deeds),
            deeds,
        })
    }
}

impl Prepared {
    /// The shape of one input, without the batch axis; of several inputs, the first.
    pub fn input_shape(&self) -> &[usize] {
        let input = self.graph.inputs.first();
        input.map_or(&[], |input| &self.graph.shapes[input.value])
    }

    /// The shape of one output, without the batch axis; of several outputs, the first.
    pub fn output_shape(&self) -> &[usize] {
        let output = self.graph.outputs.first();
        output.map_or(&[], |&output| &self.graph.shapes[output])
    }

    /// How many samples run at once.
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// What runs: each step's name and the names of the layers that it covers. Layers in front of the first step and
    /// behind the last one that are in no step do nothing at inference; neither do those that stand in none between.
    pub fn steps(&self) -> Vec<(&'static str, Vec<&str>)> {
        let name = |&node: &usize| self.graph.owner(node).name.as_str();
        let mut steps = Vec::new();
        for part in self.deeds.iter().flat_map(|deed| &deed.stage.parts) {
            let (kind, nodes) = part.task.covers();
            steps.push((kind, nodes.iter().map(name).collect()));
        }
        steps
    }

    /// Predicts samples that lie one behind the other in `input` (row-major, channels last) and writes their outputs one
    /// behind the other. Any number of samples will do. Allocates nothing once every thread has run it, unless a layer is
    /// of a kind that the steps do not know (its step is then called `layer`).
    ///
    /// # Errors
    /// Lengths that are not those of the same number of samples; a model of several inputs or outputs, for which there
    /// is [`predict_all_into`](Self::predict_all_into).
    pub fn predict_into(&mut self, input: &[f32], output: &mut [f32]) -> Result<()> {
        self.predict_all_into(&[input], &mut [output])
    }

    /// As [`predict_into`](Self::predict_into), for a model of several inputs or outputs.
    ///
    /// # Errors
    /// Lengths that are not those of the same number of samples.
    pub fn predict_all_into(
        &mut self,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        self.logits_into(inputs, outputs)?;
        self.finish(outputs);
        Ok(())
    }

    /// As [`Self::predict_all_into`], without the last activation functions.
    fn logits_into(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<()> {
        let samples = self.check(inputs, outputs)?;
        let graph = &*self.graph;
        let size = |value: usize| graph.shapes[value].iter().product::<usize>();
        let mut first = 0;
        while first < samples {
            let count = self.max_batch.min(samples - first);
            let x = |i: usize| {
                let size = size(graph.inputs[i].value);
                &inputs[i][first * size..][..count * size]
            };
            let result = match (inputs.len(), &mut *outputs) {
                // The usual case needs no list.
                (1, [output]) => {
                    let size = size(graph.outputs[0]);
                    let y = &mut output[first * size..][..count * size];
                    run::run(&self.deeds, count, &[x(0)], &mut [y], &mut self.memory)
                }
                (_, outputs) => {
                    let x: Vec<&[f32]> = (0..inputs.len()).map(x).collect();
                    let mut y: Vec<&mut [f32]> = outputs
                        .iter_mut()
                        .zip(&graph.outputs)
                        .map(|(y, &value)| &mut y[first * size(value)..][..count * size(value)])
                        .collect();
                    run::run(&self.deeds, count, &x, &mut y, &mut self.memory)
                }
            };
            result.map_err(|(node, error)| {
                error.in_layer(&graph.owner(node).name, graph.nodes[node].owner)
            })?;
            first += count;
        }
        Ok(())
    }

    /// The number of samples in inputs and outputs, which must be the same everywhere.
    fn check(&self, inputs: &[&[f32]], outputs: &[&mut [f32]]) -> Result<usize> {
        let graph = &*self.graph;
        let fail = |message: String| Err(Error::layer("prepared model", message));
        if inputs.len() != graph.inputs.len() || outputs.len() != graph.outputs.len() {
            return fail(format!(
                "{} inputs and {} outputs are given, it has {} and {}",
                inputs.len(),
                outputs.len(),
                graph.inputs.len(),
                graph.outputs.len()
            ));
        }
        // Every length with the shape of a sample there. Nothing is collected unless something is wrong.
        let ins = graph.inputs.iter().map(|input| &graph.shapes[input.value]);
        let outs = graph.outputs.iter().map(|&value| &graph.shapes[value]);
        let each = || {
            let lengths = inputs.iter().map(|x| x.len());
            let lengths = lengths.chain(outputs.iter().map(|y| y.len()));
            let shapes = ins.clone().chain(outs.clone());
            lengths
                .zip(shapes)
                .map(|(length, shape)| (length, shape, shape.iter().product::<usize>()))
        };
        let samples = each().find_map(|(length, _, size)| length.checked_div(size));
        let samples = samples.unwrap_or(0);
        if each().all(|(length, _, size)| samples * size == length) {
            return Ok(samples);
        }
        let inn = graph.inputs.len();
        let each: Vec<(usize, &Vec<usize>, usize)> = each().collect();
        let list = |part: &[(usize, &Vec<usize>, usize)]| -> String {
            let lengths: Vec<String> = part.iter().map(|(length, ..)| length.to_string()).collect();
            lengths.join(" and ")
        };
        let sizes = |part: &[(usize, &Vec<usize>, usize)]| -> String {
            let sizes = part
                .iter()
                .map(|(_, shape, size)| format!("{shape:?} = {size} values"));
            sizes.collect::<Vec<_>>().join(" and ")
        };
        fail(format!(
            "{} values in, {} values out: a sample is {} in, {} out, and their number must be the same",
            list(&each[..inn]),
            list(&each[inn..]),
            sizes(&each[..inn]),
            sizes(&each[inn..])
        ))
    }

    /// The outputs for any number of samples: `[n, …]` → `[n, …]`.
    ///
    /// # Errors
    /// Inputs of another shape; a model of several outputs, for which there is [`predict_all`](Self::predict_all).
    pub fn predict<'a>(&mut self, x: impl Into<Tensors<'a>>) -> Result<Tensor> {
        only(self.predict_all(x)?, "predict_all")
    }

    /// All outputs for any number of samples.
    ///
    /// # Errors
    /// Inputs of another shape.
    pub fn predict_all<'a>(&mut self, x: impl Into<Tensors<'a>>) -> Result<Vec<Tensor>> {
        let mut y = self.logits(&x.into().0)?;
        let mut outputs: Vec<&mut [f32]> = y.iter_mut().map(Tensor::as_mut_slice).collect();
        self.finish(&mut outputs);
        Ok(y)
    }

    /// As [`Self::predict_all`], without the last activation functions.
    fn logits(&mut self, x: &[&Tensor]) -> Result<Vec<Tensor>> {
        let graph = &*self.graph;
        let shape = |value: usize| graph.shapes[value].as_slice();
        let wanted: Vec<(&str, &[usize])> = graph
            .inputs
            .iter()
            .map(|input| (input.name.as_str(), shape(input.value)))
            .collect();
        let samples = check_inputs(x, &wanted)?;
        let outputs = graph.outputs.iter();
        let mut y: Vec<Tensor> = outputs
            .map(|&value| Tensor::zeros([&[samples], shape(value)].concat()))
            .collect();
        let x: Vec<Tensor> = x.iter().map(|x| x.contiguous()).collect();
        let x: Vec<&[f32]> = x.iter().map(|x| x.as_slice().unwrap_or_default()).collect();
        let mut outputs: Vec<&mut [f32]> = y.iter_mut().map(Tensor::as_mut_slice).collect();
        self.logits_into(&x, &mut outputs)?;
        Ok(y)
    }

    /// The last activation functions, in place.
    fn finish(&self, outputs: &mut [&mut [f32]]) {
        for ((y, &value), &last) in outputs.iter_mut().zip(&self.graph.outputs).zip(&self.last) {
            if let Some(last) = Then::activation(last, &self.graph.shapes[value]) {
                last.apply(y);
            }
        }
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
