//! The share of samples whose class is among the k most probable, for class numbers.

use super::{ClassesAre, Hits, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// [`TopKAccuracy`](crate::TopKAccuracy) under Keras's name, for targets of class numbers: the share of samples whose class
/// has one of the `k` highest scores; classes of the same score count together, a row with a NaN is wrong.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{SparseTopKCategoricalAccuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(SparseTopKCategoricalAccuracy::new(2).measure(&output, &Tensor::from_vec([2], vec![1.0, 2.0])?)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SparseTopKCategoricalAccuracy {
    /// How many of the highest scores count, at least 1 (default: 5).
    pub k: usize,
}

impl SparseTopKCategoricalAccuracy {
    /// Among the `k` highest scores.
    #[must_use]
    pub fn new(k: usize) -> Self {
        SparseTopKCategoricalAccuracy { k }
    }

    fn counter(&self) -> Hits {
        Hits {
            k: Some(self.k),
            classes: ClassesAre::Numbers,
        }
    }
}

impl Default for SparseTopKCategoricalAccuracy {
    /// Keras's default: 5.
    fn default() -> Self {
        SparseTopKCategoricalAccuracy::new(5)
    }
}

const NAME: &str = "sparse_top_k_categorical_accuracy";

counted!(SparseTopKCategoricalAccuracy, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "SparseTopKCategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose class has one of the k highest scores; targets are class numbers",
        file: file!(),
        from_config: |config| {
            read(
                "SparseTopKCategoricalAccuracy",
                config,
                SparseTopKCategoricalAccuracy::check,
            )
        },
        by_name: |name| named(SparseTopKCategoricalAccuracy::default(), name),
        sample: || Sample {
            config: json!({"k": 2}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3], |i| [2.0, 1.0, 1.0][i]),
            value: 2.0 / 3.0,
        },
    }
}
