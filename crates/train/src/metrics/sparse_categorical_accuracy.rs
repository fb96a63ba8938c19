//! The share of samples whose class is predicted, for targets of class numbers.

use super::{ClassesAre, Hits, Row, Sample, counted, named, read};
use crate::Mode;
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

impl SparseCategoricalAccuracy {
    fn counter(&self) -> Hits {
        Hits {
            k: None,
            classes: ClassesAre::Numbers,
        }
    }
}

counted!(SparseCategoricalAccuracy, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "SparseCategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose greatest output is at the class number",
        file: file!(),
        from_config: |config| {
            read(
                "SparseCategoricalAccuracy",
                config,
                SparseCategoricalAccuracy::check,
            )
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
