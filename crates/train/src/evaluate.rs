//! Measuring a model on a data set, and predicting for one. Dropout is off, nothing is learnt.

use crate::{
    ConfusionMatrix, Metric, Result,
    labels::number_of_classes,
    measured::Measured,
    running::{BatchResult, Running},
    shapes,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::{Loss, Losses, Model};
use taper_tensor::{Tensor, buffer::reuse_larger};

/// How well a model does on a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: u64,
    /// Mean loss, penalty included (Keras's `loss`).
    pub loss: f64,
    /// Mean loss without penalty: cross-entropy, squared error, whatever the loss is.
    #[serde(alias = "cross_entropy")]
    pub data_loss: f64,
    /// Penalty of the weights.
    pub penalty: f64,
    /// The share of samples that are right; `None` where the loss tells no classes apart and it was not asked for.
    pub accuracy: Option<f64>,
    /// Other metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Which classes are taken for which; `None` where the loss tells no classes apart, or more than 1,000, unless it
    /// was asked for ([`Evaluate::confusion`]).
    pub confusion: Option<ConfusionMatrix>,
}

/// With more classes a confusion matrix (8 bytes for every pair) is made only if asked for.
const MOST_CLASSES: usize = 1000;

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

/// As [`evaluate`], with further metrics. [`Evaluate`] says more.
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
    measure(model, data, loss, batch_size, metrics, Confusion::IfUseful)
}

/// What to measure of a model, said step by step.
///
/// ```
/// use taper_train::prelude::*;
/// # fn f(model: &Model, data: &dyn Dataset) -> Result<(), Error> {
/// let measured = Evaluate::new(&MeanSquaredError).batch_size(64).metric(Accuracy).confusion(true).run(model, data)?;
/// println!("{:?}", measured.accuracy);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Evaluate<'a> {
    loss: &'a dyn Loss,
    batch_size: usize,
    metrics: Vec<Box<dyn Metric>>,
    confusion: Confusion,
}

impl<'a> Evaluate<'a> {
    /// With this loss and Keras's default of 32 samples at a time. Accuracy and the confusion matrix are measured where
    /// the loss tells classes apart, the matrix for up to 1,000 of them.
    #[must_use]
    pub fn new(loss: &'a dyn Loss) -> Self {
        Evaluate {
            loss,
            batch_size: 32,
            metrics: Vec::new(),
            confusion: Confusion::IfUseful,
        }
    }

    /// How many samples at a time.
    #[must_use]
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.batch_size = samples;
        self
    }

    /// A further metric.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.metrics.push(Box::new(metric));
        self
    }

    /// Whether to count which classes are taken for which, whatever the loss and however many there are.
    #[must_use]
    pub fn confusion(mut self, on: bool) -> Self {
        self.confusion = if on { Confusion::Yes } else { Confusion::No };
        self
    }

    /// Measures `model` on the whole of `data`.
    ///
    /// # Errors
    /// As [`evaluate_with`]; a confusion matrix is asked for and outputs and targets are no classes.
    pub fn run(&self, model: &Model, data: &dyn Dataset) -> Result<Evaluation> {
        let (loss, size) = (self.loss, self.batch_size);
        measure(model, data, loss, size, &self.metrics, self.confusion)
    }
}

/// Whether a confusion matrix is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confusion {
    /// Where the loss tells classes apart, and not too many.
    IfUseful,
    Yes,
    No,
}

impl Confusion {
    fn table(
        self,
        loss: &dyn Loss,
        output: &[usize],
        target: &[usize],
    ) -> Result<Option<ConfusionMatrix>> {
        let classes = || number_of_classes("confusion matrix", output, target);
        Ok(match self {
            Confusion::No => None,
            Confusion::Yes => Some(classes()?),
            Confusion::IfUseful if !loss.is_classification() => None,
            Confusion::IfUseful => classes().ok().filter(|&classes| classes <= MOST_CLASSES),
        }
        .map(ConfusionMatrix::new))
    }
}

/// Measures `model` on the whole of `data`.
pub(crate) fn measure(
    model: &Model,
    data: &dyn Dataset,
    loss: &dyn Loss,
    batch_size: usize,
    metrics: &[Box<dyn Metric>],
    confusion: Confusion,
) -> Result<Evaluation> {
    shapes::check("evaluate", model, data, batch_size)?;
    shapes::check_targets("evaluate", model, data, loss)?;
    let penalty = penalty(model);
    let (output, target) = (model.output_shape(), data.target_shape());
    let measured = Measured::new(metrics, loss, output, target)?;
    let mut running = Running::new(&measured);
    let mut confusion = confusion.table(loss, output, target)?;
    let mut evaluator = model.evaluator(batch_size.min(data.len()))?;
    each_batch(data, batch_size, |batch| {
        let (inputs, targets) = (batch.input(), batch.target());
        let loss = Losses::from(loss).sample_weights(batch.sample_weights.as_ref());
        let found = evaluator.evaluate_batch(inputs, targets, loss)?;
        let (output, data_loss) = (found.output(), found.loss);
        if let Some(confusion) = &mut confusion {
            confusion.update(output, batch.target())?;
        }
        let result = BatchResult {
            data_loss,
            penalty,
            output,
            target: batch.target(),
            sample_weights: None,
        };
        running.add(&result, &measured)
    })?;
    let (accuracy, metrics) = measured.split(running.metrics(&measured));
    Ok(Evaluation {
        samples: running.samples,
        loss: running.loss(),
        data_loss: running.data_loss(),
        penalty,
        accuracy,
        metrics,
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
