//! The intersection over the union of some classes.

use super::{Confusion, Row, Sample, Unions, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// Positions that are of a class and predicted to be, divided by those that are either: counted over the whole set for each
/// class, averaged over some classes, those left out that occur nowhere. Targets are class numbers, and so are outputs
/// unless the settings say otherwise. A label that is none of the classes is left out; an output that is NaN is none of them,
/// and a miss.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{IoU, Metric};
/// let output = Tensor::from_vec([4], vec![1.0, 0.0, 1.0, 0.0])?;
/// let target = Tensor::from_vec([4], vec![1.0, 0.0, 0.0, 0.0])?;
/// let found = IoU::new(2, [1]).measure(&output, &target)?;
/// assert!((found - 0.5).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct IoU {
    /// How many classes there are, from 2 to 4096 (default: 2; Keras has none).
    pub num_classes: usize,
    /// The classes whose mean is taken (default: 0 and 1; Keras has none).
    pub target_class_ids: Vec<usize>,
    /// Positions of this class are left out (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_class: Option<i64>,
    /// Whether targets are class numbers, and not one-hot rows (default: true).
    pub sparse_y_true: bool,
    /// Whether outputs are class numbers, and not rows of scores (default: true).
    pub sparse_y_pred: bool,
}

impl IoU {
    /// Of these ones of this many classes.
    #[must_use]
    pub fn new(num_classes: usize, target_class_ids: impl Into<Vec<usize>>) -> Self {
        IoU {
            num_classes,
            target_class_ids: target_class_ids.into(),
            ignore_class: None,
            sparse_y_true: true,
            sparse_y_pred: true,
        }
    }

    /// For targets that are one-hot rows.
    #[must_use]
    pub fn one_hot_targets(mut self) -> Self {
        self.sparse_y_true = false;
        self
    }

    /// For outputs that are rows of scores.
    #[must_use]
    pub fn scores(mut self) -> Self {
        self.sparse_y_pred = false;
        self
    }

    /// Without positions of this class.
    #[must_use]
    pub fn ignore_class(mut self, class: i64) -> Self {
        self.ignore_class = Some(class);
        self
    }

    fn counter(&self) -> Unions<'_> {
        let confusion = Confusion {
            classes: self.num_classes,
            ignored: self.ignore_class,
            sparse_target: self.sparse_y_true,
            sparse_output: self.sparse_y_pred,
            threshold: None,
        };
        Unions {
            confusion,
            classes: Some(&self.target_class_ids),
        }
    }
}

impl Default for IoU {
    fn default() -> Self {
        IoU::new(2, [0, 1])
    }
}

const NAME: &str = "io_u";

counted!(IoU, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "IoU",
        name: NAME,
        about: "Σ both / Σ either, of some classes, averaged",
        file: file!(),
        from_config: |config| read("IoU", config, IoU::check),
        by_name: |name| named(IoU::default(), name),
        sample: || Sample {
            config: json!({"num_classes": 2, "target_class_ids": [1], "sparse_y_true": true, "sparse_y_pred": true}),
            output: Tensor::from_fn([4], |i| [1.0, 0.0, 1.0, 0.0][i]),
            target: Tensor::from_fn([4], |i| [1.0, 0.0, 0.0, 0.0][i]),
            value: 0.5,
        },
    }
}
