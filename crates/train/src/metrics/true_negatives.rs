//! How many are not called positive and are not.

use super::{Counted, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The weights of all that are not called positive and are not: of values, over the whole set; a sample
/// without a weight counts 1. Called positive are outputs above the threshold (NaN is not), positive are targets other than 0.
/// Output and target have the same shape.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{TrueNegatives, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.9, 0.6, 0.4, 0.2])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 0.0, 1.0, 0.0])?;
/// assert_eq!(TrueNegatives::new().measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TrueNegatives {
    /// Above it an output is called positive (default: 0.5); Keras's `thresholds`.
    #[serde(rename = "thresholds")]
    pub threshold: f64,
}

impl TrueNegatives {
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
            called: false,
            is: false,
        }
    }
}

impl Default for TrueNegatives {
    fn default() -> Self {
        TrueNegatives { threshold: 0.5 }
    }
}

const NAME: &str = "true_negatives";

counted!(TrueNegatives, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "TrueNegatives",
        name: NAME,
        about: "the weights of all that are not called positive and are not",
        file: file!(),
        from_config: |config| read("TrueNegatives", config, TrueNegatives::check),
        by_name: |name| named(TrueNegatives::new(), name),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 1.0,
        },
    }
}
