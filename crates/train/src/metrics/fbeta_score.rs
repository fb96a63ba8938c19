//! The weighted harmonic mean of precision and recall.

use super::{Average, FScore, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// (1 + β²) · precision · recall / (β² · precision + recall) of each class, over the whole set, and averaged; with Keras's
/// 1e-7 in each divisor. Called positive are outputs above the threshold, or without one the greatest of each row (all of
/// equals; none in a row with a NaN). Output and target are `[n, classes]`.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{FBetaScore, Metric, metrics::Average};
/// let output = Tensor::from_vec([3, 2], vec![0.9, 0.1, 0.2, 0.8, 0.6, 0.4])?;
/// let target = Tensor::one_hot(&[0, 1, 1], 2)?;
/// let micro = FBetaScore::new(2.0).average(Average::Micro).measure(&output, &target)?;
/// assert!((micro - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FBetaScore {
    /// How classes become one number (default: none, which are [`Metric::values`](crate::Metric::values) and as one number
    /// their mean).
    pub average: Option<Average>,
    /// How many times as much recall counts as precision, above 0 (default: 1).
    pub beta: f64,
    /// Above it an output is called positive, in (0, 1] (default: none).
    pub threshold: Option<f64>,
}

impl FBetaScore {
    /// Of this β.
    #[must_use]
    pub fn new(beta: f64) -> Self {
        FBetaScore {
            average: None,
            beta,
            threshold: None,
        }
    }

    /// Averaged in this way.
    #[must_use]
    pub fn average(mut self, average: Average) -> Self {
        self.average = Some(average);
        self
    }

    /// Above it an output is called positive.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }

    fn counter(&self) -> FScore {
        FScore {
            average: self.average,
            beta: self.beta,
            threshold: self.threshold,
        }
    }
}

impl Default for FBetaScore {
    fn default() -> Self {
        FBetaScore::new(1.0)
    }
}

const NAME: &str = "fbeta_score";

counted!(FBetaScore, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "FBetaScore",
        name: NAME,
        about: "(1 + β²) · precision · recall / (β² · precision + recall), of classes",
        file: file!(),
        from_config: |config| read("FBetaScore", config, FBetaScore::check),
        by_name: |name| named(FBetaScore::default(), name),
        sample: || Sample {
            // The example of Keras's documentation: 0.3846154, 0.90909094 and 0.8333333 (of f32).
            config: json!({"average": null, "beta": 2.0, "threshold": 0.5}),
            output: Tensor::from_fn([4, 3], |i| {
                [0.2, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0.0, 0.0, 0.0, 0.0][i]
            }),
            target: Tensor::from_fn([4, 3], |i| {
                [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0][i]
            }),
            value: (0.384_615_4 + 0.909_090_94 + 0.833_333_3) / 3.0,
        },
    }
}
