//! The intersection over the union of all classes, for one-hot targets.

use super::{Confusion, Row, Sample, Unions, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// Positions that are of a class and predicted to be, divided by those that are either: counted over the whole set for each
/// class, averaged over all classes, those left out that occur nowhere. Targets are one-hot rows, outputs rows of scores
/// unless the settings say otherwise. A label that is none of the classes is left out; an output that is NaN is none of them,
/// and a miss.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{OneHotMeanIoU, Metric};
/// let output = Tensor::from_vec([4, 2], vec![0.2, 0.8, 0.6, 0.4, 0.3, 0.7, 0.9, 0.1])?; // classes 1, 0, 1, 0
/// let target = Tensor::one_hot(&[1, 0, 0, 0], 2)?;
/// let found = OneHotMeanIoU::new(2).measure(&output, &target)?;
/// assert!((found - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct OneHotMeanIoU {
    /// How many classes there are, from 2 to 4096 (default: 2; Keras has none).
    pub num_classes: usize,
    /// Positions of this class are left out (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_class: Option<i64>,
    /// Whether outputs are class numbers, and not rows of scores (default: false).
    pub sparse_y_pred: bool,
}

impl OneHotMeanIoU {
    /// Of all of this many classes.
    #[must_use]
    pub fn new(num_classes: usize) -> Self {
        OneHotMeanIoU {
            num_classes,
            ignore_class: None,
            sparse_y_pred: false,
        }
    }

    /// For outputs that are class numbers.
    #[must_use]
    pub fn sparse_outputs(mut self) -> Self {
        self.sparse_y_pred = true;
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
            sparse_target: false,
            sparse_output: self.sparse_y_pred,
            threshold: None,
        };
        Unions {
            confusion,
            classes: None,
        }
    }
}

impl Default for OneHotMeanIoU {
    fn default() -> Self {
        OneHotMeanIoU::new(2)
    }
}

const NAME: &str = "one_hot_mean_io_u";

counted!(OneHotMeanIoU, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "OneHotMeanIoU",
        name: NAME,
        about: "Σ both / Σ either, of all classes, averaged",
        file: file!(),
        from_config: |config| read("OneHotMeanIoU", config, OneHotMeanIoU::check),
        by_name: |name| named(OneHotMeanIoU::default(), name),
        sample: || Sample {
            config: json!({"num_classes": 2, "sparse_y_pred": false}),
            output: Tensor::from_fn([4, 2], |i| [0.2, 0.8, 0.6, 0.4, 0.3, 0.7, 0.9, 0.1][i]),
            target: Tensor::from_fn([4, 2], |i| [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0][i]),
            value: (2.0 / 3.0 + 0.5) / 2.0,
        },
    }
}
