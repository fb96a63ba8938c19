//! The share of samples whose class is predicted, for one-hot targets.

use super::{ClassesAre, Hits, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The share of samples whose predicted class is that of the one-hot target; of outputs `[n, …, classes]` the share of
/// positions. What is predicted, of ties and of what is not a number, is told by [`prediction`](crate::prediction).
/// [`Accuracy`](crate::Accuracy) reads from the shapes which of the three accuracies is meant.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{CategoricalAccuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(CategoricalAccuracy.measure(&output, &Tensor::one_hot(&[1, 2], 3)?)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalAccuracy {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const CategoricalAccuracy: CategoricalAccuracy = CategoricalAccuracy {};

const NAME: &str = "categorical_accuracy";

impl CategoricalAccuracy {
    fn counter(&self) -> Hits {
        Hits {
            k: None,
            classes: ClassesAre::Rows,
        }
    }
}

counted!(CategoricalAccuracy, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "CategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose greatest output is where the greatest target is",
        file: file!(),
        from_config: |config| read("CategoricalAccuracy", config, CategoricalAccuracy::check),
        by_name: |name| named(CategoricalAccuracy, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3, 3], |i| [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0][i]),
            value: 1.0 / 3.0,
        },
    }
}
