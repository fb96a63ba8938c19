//! The share of samples whose class is predicted, for targets of class numbers.

use super::{ClassesAre, Metric, Row, Sample, check_which, named, parse, weights_of};
use crate::{
    Mode, Result,
    labels::{add_shares, share},
    prediction::predicted,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The share of samples whose predicted class is the target's number (`[n, …]` or `[n, …, 1]` for outputs `[n, …, classes]`,
/// where it is the share of positions). What is predicted, of ties and of what is not a number, is told by
/// [`prediction`](crate::prediction). [`Accuracy`](crate::Accuracy) reads from the shapes which of the three accuracies is
/// meant.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{SparseCategoricalAccuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(SparseCategoricalAccuracy.measure(&output, &Tensor::from_vec([2], vec![1.0, 2.0])?)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparseCategoricalAccuracy {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const SparseCategoricalAccuracy: SparseCategoricalAccuracy = SparseCategoricalAccuracy {};

const NAME: &str = "sparse_categorical_accuracy";

impl Metric for SparseCategoricalAccuracy {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// The right ones, and all.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        check_which(NAME, output, target, ClassesAre::Numbers).map(|()| 2)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let weights = weights_of(NAME, output, sample_weights)?;
        add_shares(sums, NAME, (output, target), weights, |scores, class| {
            class.is_some() && class == predicted(scores)
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "SparseCategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose greatest output is at the class number",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(parse::<SparseCategoricalAccuracy>(
                "SparseCategoricalAccuracy",
                config,
            )?))
        },
        by_name: |name| named(SparseCategoricalAccuracy, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3], |i| [2.0, 1.0, 1.0][i]),
            value: 1.0 / 3.0,
        },
    }
}
