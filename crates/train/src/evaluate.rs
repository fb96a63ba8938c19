//! Measuring a model on a data set, and predicting for one. Dropout is off, nothing is learnt.

use crate::{
    ConfusionMatrix, Metric, Result,
    running::{BatchResult, Running},
    shapes,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::{Loss, Model};
use taper_tensor::{Tensor, buffer::reuse_larger};

/// How well a model does on a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: u64,
    /// Mean loss, penalty included (Keras's `loss`).
    pub loss: f64,
    /// Mean loss without penalty.
    pub cross_entropy: f64,
    /// Penalty of the weights.
    pub penalty: f64,
    /// The share of samples that are right.
    pub accuracy: f64,
    /// Other metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Which classes are taken for which; `None` when outputs are no classes.
    pub confusion: Option<ConfusionMatrix>,
}

/// Measures `model` on the whole of `data`, `batch_size` samples at a time.
///
/// # Errors
/// The data set is empty or does not fit the model; a layer or the loss refuses.
pub fn evaluate(
    model: &Model,
    data: &dyn Dataset,
    loss: &dyn Loss,
    batch_size: usize,
) -> Result<Evaluation> {
    evaluate_with(model, data, loss, batch_size, &[])
}

/// As [`evaluate`], with further metrics.
///
/// # Errors
/// As [`evaluate`]; a metric refuses.
pub fn evaluate_with(
    model: &Model,
    data: &dyn Dataset,
    loss: &dyn Loss,
    batch_size: usize,
    metrics: &[Box<dyn Metric>],
) -> Result<Evaluation> {
    shapes::check("evaluate", model, data, batch_size)?;
    shapes::check_targets("evaluate", model, data)?;
    let penalty = penalty(model);
    let mut running = Running::new(metrics.len());
    let mut confusion = ConfusionMatrix::for_shapes(
        &batched(model.output_shape()),
        &batched(data.target_shape()),
    );
    let mut evaluator = model.evaluator(batch_size.min(data.len()))?;
    each_batch(data, batch_size, |batch| {
        let (inputs, targets) = (batch.input(), batch.target());
        let (output, cross_entropy) = evaluator.evaluate_batch(inputs, targets, loss)?;
        if let Some(confusion) = &mut confusion {
            confusion.update(&output, batch.target())?;
        }
        let result = BatchResult {
            cross_entropy,
            penalty,
            output: &output,
            target: batch.target(),
        };
        running.add(&result, metrics)
    })?;
    Ok(Evaluation {
        samples: running.samples,
        loss: running.loss(),
        cross_entropy: running.cross_entropy(),
        penalty,
        accuracy: running.accuracy(),
        metrics: metrics
            .iter()
            .map(|m| m.name())
            .zip(running.metrics())
            .collect(),
        confusion,
    })
}

/// The model's outputs [n, …] for the whole of `data`, in its order, `batch_size` samples at a time, by
/// [prepared inference](taper_nn::inference).
///
/// # Errors
/// The data set is empty or its inputs do not fit the model; a layer refuses.
pub fn predict(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<Tensor> {
    shapes::check("predict", model, data, batch_size)?;
    let mut prepared = model.prepare(batch_size.min(data.len()))?;
    let outputs: usize = model.output_shape().iter().product();
    let mut values = Vec::with_capacity(data.len() * outputs);
    each_batch(data, batch_size, |batch| {
        let inputs = batch.input().contiguous();
        let first = values.len();
        values.resize(first + inputs.shape()[0] * outputs, 0.0);
        prepared.predict_into(inputs.as_slice().unwrap_or_default(), &mut values[first..])?;
        Ok(())
    })?;
    let shape: Vec<usize> = [&[data.len()], model.output_shape()].concat();
    Ok(Tensor::from_vec(shape, values)?)
}

fn each_batch(
    data: &dyn Dataset,
    batch_size: usize,
    mut each: impl FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let batches = Batches {
        dataset: data,
        batch_size,
        epoch: 0,
        shuffle: None,
        first_batch: 0,
    };
    let flow =
        batches.for_each(
            |batch| match in_memory_of(batch_size, &batch, || each(&batch)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            },
        )?;
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Does `work` on a batch: in the memory of full ones (of `size` samples) if it is the last and smaller.
pub(crate) fn in_memory_of<R>(size: usize, batch: &Batch, work: impl FnOnce() -> R) -> R {
    reuse_larger(size.div_ceil(batch.indices.len().max(1)), work)
}

/// The penalty of the weights. A model without any has an empty sum, which is -0 in Rust; a report should say 0.
pub(crate) fn penalty(model: &Model) -> f64 {
    model.penalty() + 0.0
}

/// The shape of a batch of one.
fn batched(sample: &[usize]) -> Vec<usize> {
    [&[1], sample].concat()
}
