//! Measuring a model on a data set. Dropout is off, nothing is learnt.

use crate::{
    ConfusionMatrix, Metric, Result,
    goal::Goal,
    labels::number_of_classes,
    number,
    outputs::{PerOutput, Term, Wishes},
    running::{BatchResult, Running},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow};
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::{Loss, Model};
use taper_tensor::buffer::reuse_larger;
use taper_tensor::prepared::in_pool;

/// How well a model does on a data set. As JSON its figures stand as [`number`] says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Number of samples.
    pub samples: u64,
    /// Mean loss, penalty included (Keras's `loss`).
    #[serde(with = "number")]
    pub loss: f64,
    /// Mean loss without penalty: cross-entropy, squared error, whatever the loss is.
    #[serde(alias = "cross_entropy", with = "number")]
    pub data_loss: f64,
    /// Mean penalty: of the weights, and of layers' outputs (activity regularizers).
    #[serde(with = "number")]
    pub penalty: f64,
    /// The share of samples that are right; `None` where the loss tells no classes apart and it was not asked for.
    #[serde(with = "number", default)]
    pub accuracy: Option<f64>,
    /// Other metrics by name. Of a model with several outputs also their losses, each without its weight in the sum:
    /// `<output>_loss`, and the metrics are called `<output>_<metric>`.
    #[serde(with = "number")]
    pub metrics: BTreeMap<String, f64>,
    /// Which classes are taken for which; `None` where the loss tells no classes apart, or more than 1,000, unless it
    /// was asked for ([`Evaluate::confusion`]), and of a model with several outputs.
    pub confusion: Option<ConfusionMatrix>,
    /// Of a model with several outputs, under the same terms: by output.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub confusions: BTreeMap<String, ConfusionMatrix>,
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
    let per_output = PerOutput::default();
    let wishes = Wishes::new(loss, &per_output).with(metrics);
    in_pool(|| measure(model, data, batch_size, &wishes, Confusion::IfUseful))
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
    pub(crate) outputs: PerOutput,
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
            outputs: PerOutput::default(),
            confusion: Confusion::IfUseful,
        }
    }

    /// How many samples at a time.
    #[must_use]
    pub fn batch_size(mut self, samples: usize) -> Self {
        self.batch_size = samples;
        self
    }

    /// The loss of one output (by its name, [`Model::output_names`]) of several; the others have that of
    /// [`new`](Self::new).
    #[must_use]
    pub fn loss_for(mut self, output: impl Into<String>, loss: impl Loss + 'static) -> Self {
        self.outputs.loss(output.into(), Box::new(loss));
        self
    }

    /// How much the loss of an output counts in the sum (default 1).
    #[must_use]
    pub fn loss_weight(mut self, output: impl Into<String>, weight: f64) -> Self {
        self.outputs.weight(output.into(), weight);
        self
    }

    /// A further metric; of a model with several outputs, for each of them.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.outputs.metric(Box::new(metric), None, false);
        self
    }

    /// A further metric of one output.
    #[must_use]
    pub fn metric_for(mut self, output: impl Into<String>, metric: impl Metric + 'static) -> Self {
        let output = Some(output.into());
        self.outputs.metric(Box::new(metric), output, false);
        self
    }

    /// A further metric, in which samples count with the weights that the data set gives them
    /// ([`Trainer::weighted_metric`](crate::Trainer::weighted_metric)).
    #[must_use]
    pub fn weighted_metric(mut self, metric: impl Metric + 'static) -> Self {
        self.outputs.metric(Box::new(metric), None, true);
        self
    }

    /// The same of one output.
    #[must_use]
    pub fn weighted_metric_for(
        mut self,
        output: impl Into<String>,
        metric: impl Metric + 'static,
    ) -> Self {
        let output = Some(output.into());
        self.outputs.metric(Box::new(metric), output, true);
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
        let wishes = Wishes::new(self.loss, &self.outputs);
        let (batch_size, confusion) = (self.batch_size, self.confusion);
        in_pool(|| measure(model, data, batch_size, &wishes, confusion))
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
    /// For each output a matrix, or none.
    fn tables(self, terms: &[Term<'_>]) -> Result<Vec<Option<ConfusionMatrix>>> {
        let classes =
            |term: &Term<'_>| number_of_classes("confusion matrix", &term.output, &term.target);
        let table = |term: &Term<'_>| {
            Ok(match self {
                Confusion::No => None,
                // Of several outputs, those that are classes.
                Confusion::Yes if terms.len() > 1 => classes(term).ok(),
                Confusion::Yes => Some(classes(term)?),
                Confusion::IfUseful if !term.loss.is_classification() => None,
                Confusion::IfUseful => classes(term)
                    .ok()
                    .filter(|&classes| classes <= MOST_CLASSES),
            }
            .map(ConfusionMatrix::new))
        };
        terms.iter().map(table).collect()
    }
}

/// Measures `model` on the whole of `data`.
pub(crate) fn measure(
    model: &Model,
    data: &dyn Dataset,
    batch_size: usize,
    wishes: &Wishes<'_>,
    confusion: Confusion,
) -> Result<Evaluation> {
    let goal = Goal::new("evaluate", model, data, batch_size, wishes)?;
    let (penalty, mut of_outputs) = (penalty(model), 0.0);
    let mut running = Running::new(&goal.measured);
    let mut tables = confusion.tables(&goal.terms)?;
    let mut evaluator = model.evaluator(batch_size.min(data.len()))?;
    each_batch(data, batch_size, |batch| {
        let (inputs, targets) = (goal.inputs(batch), goal.targets(batch));
        let weights = batch.sample_weights.as_ref();
        let losses = goal.losses().sample_weights(weights);
        let found = evaluator.evaluate_batch(&*inputs, &*targets, losses)?;
        for ((table, output), target) in tables.iter_mut().zip(&found.outputs).zip(&targets) {
            if let Some(table) = table {
                table.update(output, target)?;
            }
        }
        of_outputs += batch.indices.len() as f64 * found.activity_penalty;
        let result = BatchResult {
            data_loss: found.loss,
            penalty: penalty + found.activity_penalty,
            losses: &found.losses,
            outputs: &found.outputs,
            targets: &targets,
            sample_weights: weights,
        };
        running.add(&result, &goal.measured)
    })?;
    let metrics = running.metrics(&goal.measured);
    let (accuracy, metrics) = goal.measured.split(running.losses(), metrics);
    let several = tables.len() > 1;
    let confusion = tables
        .first_mut()
        .filter(|_| !several)
        .and_then(Option::take);
    let named = goal.terms.into_iter().zip(tables);
    Ok(Evaluation {
        samples: running.samples,
        loss: running.loss(),
        data_loss: running.data_loss(),
        penalty: penalty + of_outputs / data.len() as f64,
        accuracy,
        metrics,
        confusion,
        confusions: named
            .filter_map(|(term, table)| Some((term.name, table?)))
            .collect(),
    })
}

/// Hands every batch to `each`, in the data set's order.
pub(crate) fn each_batch(
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
