//! What the files of metrics share: shapes and values of a batch, and counts of what is called positive and what is.

mod bins;
mod confusion;
mod counted;
mod counter;
mod fscore;
mod hits;
mod loss;
mod metric;
mod rows;
mod selected;

pub(super) use bins::{AtThreshold, BestAt, Bins, ratio};
pub(super) use confusion::{Confusion, Unions};
pub(super) use counted::Counted;
pub(super) use counter::{Counter, counted};
pub use fscore::Average;
pub(super) use fscore::FScore;
pub(super) use hits::Hits;
pub use loss::LossMetric;
pub(super) use loss::row_of;
pub use metric::{Metric, Row, Sample};
pub(super) use rows::RowMeans;
pub(super) use selected::read_options;
pub use selected::{MetricExt, Selected};

use crate::labels::{self, Classes};
use crate::{Error, Result, setting};
use serde::Serialize;
use serde_json::Value;
use taper_tensor::Tensor;

/// Whether targets are of the output's shape; `[]` is taken for `[1]`. For [`Metric::sums`] of metrics that compare value
/// with value.
///
/// # Errors
/// They are not; the message names the metric.
pub fn same_shape(metric: &str, output: &[usize], target: &[usize]) -> Result<()> {
    if target == output || matches!(output, [outer @ .., 1] if target == outer) {
        return Ok(());
    }
    let message = format!("the model's output {output:?} does not fit the targets {target:?}");
    Err(Error::shapes(metric, message))
}

/// Calls `each(position, output, target, weight)` for every value of a batch, for [`Metric::add`] of metrics that compare
/// value with value; `position` is that within the sample, `weight` the sample's (1 if it has none).
///
/// # Errors
/// The shapes do not fit each other.
pub fn each_value(
    metric: &str,
    (output, target): (&Tensor, &Tensor),
    sample_weights: Option<&Tensor>,
    mut each: impl FnMut(usize, f64, f64, f64),
) -> Result<()> {
    same_shape(metric, output.shape(), target.shape())?;
    let weights = weights_of(metric, output, sample_weights)?;
    let (output, target) = (output.contiguous(), target.contiguous());
    let values = output.as_slice().unwrap_or_default();
    let width = values.len() / output.shape().first().copied().unwrap_or(1).max(1);
    let pairs = values.iter().zip(target.as_slice().unwrap_or_default());
    for (i, (output, target)) in pairs.enumerate() {
        let weight = weights
            .as_ref()
            .map_or(1.0, |all| f64::from(all[i / width]));
        each(i % width, f64::from(*output), f64::from(*target), weight);
    }
    Ok(())
}

/// Adds to `[true positives, all]` the weights of the values that are called positive (above the threshold) and are, and
/// of those that count among all; `counts` is told whether a value is called positive and whether it is.
pub(super) fn add_positives(
    metric: &str,
    sums: &mut [f64],
    pair: (&Tensor, &Tensor),
    sample_weights: Option<&Tensor>,
    threshold: f64,
    counts: impl Fn(bool, bool) -> bool,
) -> Result<()> {
    each_value(metric, pair, sample_weights, |_, output, target, weight| {
        let (called, is) = (output > threshold, target != 0.0);
        if called && is {
            sums[0] += weight;
        }
        if counts(called, is) {
            sums[1] += weight;
        }
    })
}

/// Reads the settings of a `class_name`; none (`null`) are the defaults.
pub(super) fn parse<T: serde::de::DeserializeOwned>(class_name: &str, config: &Value) -> Result<T> {
    let config = match config {
        Value::Null => Value::Object(Default::default()),
        config => config.clone(),
    };
    taper_nn::read_settings(config).map_err(|fault| setting::of(class_name, fault))
}

/// Reads the settings of a metric of this class, and whether they are in range.
pub(super) fn read<M: Metric + serde::de::DeserializeOwned + 'static>(
    class_name: &str,
    config: &Value,
    check: fn(&M) -> Result<()>,
) -> Result<Box<dyn Metric>> {
    let metric: M = parse(class_name, config)?;
    check(&metric)?;
    Ok(Box::new(metric))
}

/// The weights of the samples of a batch, one each; `None` when all count alike.
pub(super) fn weights_of(
    metric: &str,
    output: &Tensor,
    sample_weights: Option<&Tensor>,
) -> Result<Option<Vec<f32>>> {
    let Some(weights) = sample_weights else {
        return Ok(None);
    };
    let samples = output.shape().first().copied().unwrap_or(1);
    if weights.shape() != [samples] {
        let given = weights.shape();
        let message = format!("there are {samples} samples, but weights of {given:?}");
        return Err(Error::shapes(metric, message));
    }
    Ok(Some(weights.to_vec()))
}

/// The metric that has this name and needs no settings, for [`Row::by_name`](super::Row::by_name).
pub(super) fn named<M: Metric + 'static>(metric: M, name: &str) -> Option<Box<dyn Metric>> {
    (metric.name() == name).then(|| Box::new(metric) as _)
}

/// The settings of a metric as JSON.
pub(super) fn settings(metric: &impl Serialize) -> Value {
    // Numbers and words in named fields: there is nothing here that JSON cannot say, and what is no number is refused later.
    serde_json::to_value(metric).unwrap_or_default()
}

/// How the targets of a metric name classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassesAre {
    /// By one-hot rows.
    Rows,
    /// By their numbers.
    Numbers,
}

/// Whether the shapes of a sample tell classes in this way, at least two of them.
///
/// # Errors
/// They do not.
pub(super) fn check_which(
    metric: &str,
    output: &[usize],
    target: &[usize],
    wanted: ClassesAre,
) -> Result<()> {
    let batch = |sample: &[usize]| [&[1], sample].concat();
    let found = match labels::classes(metric, &batch(output), &batch(target)) {
        Ok(Classes::OneHot(_)) => Some(ClassesAre::Rows),
        Ok(Classes::Sparse(_)) => Some(ClassesAre::Numbers),
        _ => None,
    };
    if found == Some(wanted) {
        return Ok(());
    }
    let targets = match wanted {
        ClassesAre::Rows => "one-hot rows of the output's shape",
        ClassesAre::Numbers => "one class number for each row of scores",
    };
    let message = format!(
        "the model's output {output:?} does not fit the targets {target:?}; scores of two classes or more are wanted, and \
         {targets}"
    );
    Err(Error::shapes(metric, message))
}
