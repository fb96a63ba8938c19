//! How many are called positive and are not.

use super::{Counted, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The weights of all that are called positive and are not: of values, over the whole set; a sample
/// without a weight counts 1. Called positive are outputs above the threshold (NaN is not), positive are targets other than 0.
/// Output and target have the same shape.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{FalsePositives, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.9, 0.6, 0.4, 0.2])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 0.0, 1.0, 0.0])?;
/// assert_eq!(FalsePositives::new().measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FalsePositives {
    /// Above it an output is called positive (default: 0.5); Keras's `thresholds`.
    #[serde(rename = "thresholds")]
    pub threshold: f64,
}

impl FalsePositives {
    /// With a threshold of 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another threshold, in [0, 1].
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    fn counter(&self) -> Counted {
        Counted {
            threshold: self.threshold,
            called: true,
            is: false,
        }
    }
}

impl Default for FalsePositives {
    fn default() -> Self {
        FalsePositives { threshold: 0.5 }
    }
}

const NAME: &str = "false_positives";

counted!(FalsePositives, NAME, Mode::Min);

pub(super) fn row() -> Row {
    Row {
        class_name: "FalsePositives",
        name: NAME,
        about: "the weights of all that are called positive and are not",
        file: file!(),
        from_config: |config| read("FalsePositives", config, FalsePositives::check),
        by_name: |name| named(FalsePositives::new(), name),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 1.0,
        },
    }
}
