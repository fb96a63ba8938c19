//! Metrics. A metric is a pure description: it scores one batch; the trainer keeps the sums (and puts them into
//! checkpoints, so that a resumed epoch goes on where it was).
//!
//! A new metric is one file here and one row in [`all`].

mod accuracy;
mod confusion;
mod top_k;

pub use accuracy::Accuracy;
pub use confusion::ConfusionMatrix;
pub use top_k::TopKAccuracy;

use crate::{Error, Result};
use std::fmt::Debug;
use taper_tensor::Tensor;

/// A figure that is a mean over samples.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, Result};
///
/// /// Mean absolute error, averaged over the values of a sample.
/// #[derive(Debug)]
/// struct MeanAbsoluteError;
/// impl Metric for MeanAbsoluteError {
///     fn name(&self) -> String {
///         "mean_absolute_error".into()
///     }
///     fn score(&self, output: &Tensor, target: &Tensor) -> Result<f64> {
///         let error = output.sub(target)?.abs().mean().item()?;
///         Ok(f64::from(error) * output.shape()[0] as f64)
///     }
/// }
///
/// let (output, target) = (Tensor::from_vec([2, 1], vec![1.0, 4.0])?, Tensor::zeros([2, 1]));
/// assert_eq!(MeanAbsoluteError.score(&output, &target)?, 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Metric: Debug + Send + Sync {
    /// The name in the history, e.g. `top_5_accuracy`; validation puts `val_` before it.
    fn name(&self) -> String;

    /// The **sum** over the samples of a batch, given the model's output [n, …] and its targets [n, …].
    ///
    /// # Errors
    /// The shapes do not fit each other.
    fn score(&self, output: &Tensor, target: &Tensor) -> Result<f64>;
}

/// One of each metric: the tests run over this table.
#[must_use]
pub fn all() -> Vec<Box<dyn Metric>> {
    vec![Box::new(Accuracy), Box::new(TopKAccuracy::new(5))]
}

/// A metric by its name in a history: `accuracy`, `top_3_accuracy`.
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Metric>> {
    if name == "accuracy" {
        return Some(Box::new(Accuracy));
    }
    let k = name
        .strip_prefix("top_")?
        .strip_suffix("_accuracy")?
        .parse()
        .ok()?;
    Some(Box::new(TopKAccuracy::new(k)))
}

/// How targets name classes, told from the shapes of a batch as Keras tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Classes {
    /// Output [n, …, c], target of the same shape: the class is the position of the largest value.
    OneHot(usize),
    /// Output [n, …, c], target [n, …] or [n, …, 1]: the class is the value.
    Sparse(usize),
    /// Output [n, …, 1] or [n], target likewise: one probability, halved at 0.5.
    Binary,
}

/// Predicted and true classes of a batch, position by position (one position a sample, unless outputs are maps).
struct Labelled<'a> {
    classes: Classes,
    output: &'a [f32],
    target: &'a [f32],
}

impl Labelled<'_> {
    /// Calls `each` with the scores of every position (one, if binary) and its true class (`None`: no class at all).
    fn for_each(&self, mut each: impl FnMut(&[f32], Option<usize>)) {
        match self.classes {
            Classes::OneHot(c) => {
                let pairs = self.output.chunks_exact(c).zip(self.target.chunks_exact(c));
                pairs.for_each(|(scores, target)| each(scores, Some(argmax(target))));
            }
            Classes::Sparse(c) => {
                let pairs = self.output.chunks_exact(c).zip(self.target);
                pairs.for_each(|(scores, &label)| each(scores, class(label, c)));
            }
            Classes::Binary => {
                let pairs = self.output.chunks_exact(1).zip(self.target);
                pairs.for_each(|(score, &label)| each(score, class(label, 2)));
            }
        }
    }
}

/// Hands the classes of a batch to `read`, and the number of positions in a sample.
fn with_classes<T>(
    operation: &str,
    output: &Tensor,
    target: &Tensor,
    read: impl FnOnce(&Labelled<'_>, usize) -> T,
) -> Result<T> {
    let classes = classes(operation, output.shape(), target.shape())?;
    let (output, target) = (output.contiguous(), target.contiguous());
    let (output_values, target_values) = (
        output.as_slice().unwrap_or_default(),
        target.as_slice().unwrap_or_default(),
    );
    let width = match classes {
        Classes::OneHot(c) | Classes::Sparse(c) => c,
        Classes::Binary => 1,
    };
    let positions = output_values.len() / width / output.shape()[0].max(1);
    Ok(read(
        &Labelled {
            classes,
            output: output_values,
            target: target_values,
        },
        positions.max(1),
    ))
}

/// Tells from the shapes of a batch how its targets name classes.
fn classes(operation: &str, output: &[usize], target: &[usize]) -> Result<Classes> {
    let width = if output.len() < 2 {
        1
    } else {
        output[output.len() - 1]
    };
    let rows = if output.len() < 2 {
        output
    } else {
        &output[..output.len() - 1]
    };
    let narrow = target == rows || target.split_last() == Some((&1, rows));
    match (width, narrow) {
        (0, _) => {}
        (1, true) if !output.is_empty() => return Ok(Classes::Binary),
        (1, _) => {}
        (c, true) => return Ok(Classes::Sparse(c)),
        (c, false) if output == target => return Ok(Classes::OneHot(c)),
        _ => {}
    }
    let message = format!("the model's output {output:?} does not fit the targets {target:?}");
    Err(Error::shapes(operation, message))
}

/// Position of the first largest value. A NaN counts as the largest, so that a broken output is not right by accident.
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if values[best].is_nan() {
            break;
        }
        if value.is_nan() || *value > values[best] {
            best = i;
        }
    }
    best
}

/// The class that a sparse label means.
fn class(label: f32, classes: usize) -> Option<usize> {
    let index = label as usize;
    (index < classes && index as f32 == label).then_some(index)
}

/// The class that scores mean.
fn predicted(scores: &[f32]) -> usize {
    match scores {
        [probability] => usize::from(*probability > 0.5),
        _ => argmax(scores),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::from_slice(shape, values).unwrap()
    }

    #[test]
    fn every_file_is_in_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics");
        let files = std::fs::read_dir(folder).unwrap().count();
        // `mod.rs`, and the confusion matrix, which is a table and not a mean.
        assert_eq!(
            files - 2,
            all().len(),
            "a metric is missing from metrics::all()"
        );
    }

    #[test]
    fn every_metric_is_found_by_its_name_and_scores_a_perfect_output() {
        let output = tensor(&[2, 6], &[0., 0., 1., 0., 0., 0., 1., 0., 0., 0., 0., 0.]);
        for metric in all() {
            assert_eq!(by_name(&metric.name()).unwrap().name(), metric.name());
            assert_eq!(
                metric.score(&output, &output).unwrap(),
                2.0,
                "{}",
                metric.name()
            );
            assert_eq!(
                metric.score(&output, &tensor(&[2], &[2., 0.])).unwrap(),
                2.0,
                "{}",
                metric.name()
            );
            let error = metric
                .score(&output, &tensor(&[2, 4], &[0.; 8]))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("[2, 6]") && error.contains("[2, 4]"),
                "{error}"
            );
        }
        assert!(by_name("top_x_accuracy").is_none() && by_name("colour").is_none());
    }

    #[test]
    fn shapes_tell_how_classes_are_named() {
        let of = |output: &[usize], target: &[usize]| classes("test", output, target).ok();
        assert_eq!(of(&[5, 10], &[5, 10]), Some(Classes::OneHot(10)));
        assert_eq!(of(&[5, 10], &[5]), Some(Classes::Sparse(10)));
        assert_eq!(of(&[5, 10], &[5, 1]), Some(Classes::Sparse(10)));
        assert_eq!(of(&[5, 1], &[5, 1]), Some(Classes::Binary));
        assert_eq!(of(&[5, 1], &[5]), Some(Classes::Binary));
        assert_eq!(of(&[5], &[5]), Some(Classes::Binary));
        assert_eq!(of(&[5, 7, 7, 3], &[5, 7, 7]), Some(Classes::Sparse(3)));
        for (output, target) in [
            (&[5, 10][..], &[5, 12][..]),
            (&[5, 10], &[4, 10]),
            (&[5, 0], &[5, 0]),
            (&[], &[]),
        ] {
            assert_eq!(of(output, target), None, "{output:?} {target:?}");
        }
    }

    #[test]
    fn broken_outputs_and_labels_are_never_right() {
        assert_eq!(argmax(&[1.0, f32::NAN, 9.0]), 1);
        assert_eq!(argmax(&[3.0, 3.0]), 0);
        assert_eq!(class(-1.0, 3), None);
        assert_eq!(class(0.5, 3), None);
        assert_eq!(class(3.0, 3), None);
        assert_eq!(class(f32::NAN, 3), None);
        let nan = tensor(&[1, 3], &[0.0, f32::NAN, 0.0]);
        assert_eq!(Accuracy.score(&nan, &tensor(&[1], &[0.0])).unwrap(), 0.0);
        assert_eq!(
            TopKAccuracy::new(2)
                .score(&nan, &tensor(&[1], &[1.0]))
                .unwrap(),
            0.0
        );
    }
}
