//! The share of samples whose class is among the k most probable, for one-hot targets.

use super::{ClassesAre, Hits, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// [`TopKAccuracy`](crate::TopKAccuracy) under Keras's name, for one-hot targets: the share of samples whose class has one
/// of the `k` highest scores; classes of the same score count together, a row with a NaN is wrong.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{TopKCategoricalAccuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(TopKCategoricalAccuracy::new(2).measure(&output, &Tensor::one_hot(&[1, 2], 3)?)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TopKCategoricalAccuracy {
    /// How many of the highest scores count, at least 1 (default: 5).
    pub k: usize,
}

impl TopKCategoricalAccuracy {
    /// Among the `k` highest scores.
    #[must_use]
    pub fn new(k: usize) -> Self {
        TopKCategoricalAccuracy { k }
    }

    fn counter(&self) -> Hits {
        Hits {
            k: Some(self.k),
            classes: ClassesAre::Rows,
        }
    }
}

impl Default for TopKCategoricalAccuracy {
    /// Keras's default: 5.
    fn default() -> Self {
        TopKCategoricalAccuracy::new(5)
    }
}

const NAME: &str = "top_k_categorical_accuracy";

counted!(TopKCategoricalAccuracy, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "TopKCategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose class has one of the k highest scores; targets are one-hot",
        file: file!(),
        from_config: |config| {
            read(
                "TopKCategoricalAccuracy",
                config,
                TopKCategoricalAccuracy::check,
            )
        },
        by_name: |name| named(TopKCategoricalAccuracy::default(), name),
        sample: || Sample {
            config: json!({"k": 2}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3, 3], |i| [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0][i]),
            value: 2.0 / 3.0,
        },
    }
}
