//! The intersection over the union of yes and no.

use super::{Confusion, Row, Sample, Unions, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// Values that are of a class and predicted to be, divided by those that are either: counted over the whole set for 0 and 1,
/// averaged over those of them that are asked for and occur. An output at or above the threshold means 1 (NaN is neither, and
/// a miss). Output and target have the same shape; a target that is neither 0 nor 1 is left out.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{BinaryIoU, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.1, 0.2, 0.4, 0.7])?;
/// let target = Tensor::from_vec([4, 1], vec![0.0, 1.0, 0.0, 1.0])?;
/// let found = BinaryIoU::new().threshold(0.3).measure(&output, &target)?; // ⅓ of 0 and ⅓ of 1
/// assert!((found - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BinaryIoU {
    /// Which of 0 and 1 the mean is taken of (default: both).
    pub target_class_ids: Vec<usize>,
    /// From it on an output means 1, in [0, 1] (default: 0.5).
    pub threshold: f64,
}

impl BinaryIoU {
    /// Of both classes, with a threshold of 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another threshold.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Of these of the classes 0 and 1.
    #[must_use]
    pub fn classes(mut self, classes: impl Into<Vec<usize>>) -> Self {
        self.target_class_ids = classes.into();
        self
    }

    fn counter(&self) -> Unions<'_> {
        let confusion = Confusion {
            classes: 2,
            ignored: None,
            sparse_target: true,
            sparse_output: true,
            threshold: Some(self.threshold),
        };
        Unions {
            confusion,
            classes: Some(&self.target_class_ids),
        }
    }
}

impl Default for BinaryIoU {
    fn default() -> Self {
        BinaryIoU {
            target_class_ids: vec![0, 1],
            threshold: 0.5,
        }
    }
}

const NAME: &str = "binary_io_u";

counted!(BinaryIoU, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "BinaryIoU",
        name: NAME,
        about: "Σ both / Σ either, of 0 and 1, averaged",
        file: file!(),
        from_config: |config| read("BinaryIoU", config, BinaryIoU::check),
        by_name: |name| named(BinaryIoU::new(), name),
        sample: || Sample {
            config: json!({"target_class_ids": [0, 1], "threshold": 0.25}),
            output: Tensor::from_fn([4, 1], |i| [0.125, 0.25, 0.5, 0.75][i]),
            target: Tensor::from_fn([4, 1], |i| [0.0, 1.0, 0.0, 1.0][i]),
            value: (0.5 + 2.0 / 3.0) / 2.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metric;

    #[test]
    fn nan_is_a_miss_and_other_labels_are_left_out() {
        let output = Tensor::from_slice([4, 1], &[f32::NAN, 0.9, 0.9, 0.9]).unwrap();
        let target = Tensor::from_slice([4, 1], &[1.0, 1.0, 255.0, f32::NAN]).unwrap();
        let yes = BinaryIoU::new()
            .classes([1])
            .measure(&output, &target)
            .unwrap();
        assert_eq!(yes, 0.5);
        assert!((row().from_config)(&json!({"target_class_ids": [2]})).is_err());
    }
}
