//! The harmonic mean of precision and recall.

use super::{Average, FScore, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// 2 · precision · recall / (precision + recall) of each class, over the whole set, and averaged: the
/// [`FBetaScore`](crate::FBetaScore) of β = 1, where more is said.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{F1Score, Metric, metrics::Average};
/// let output = Tensor::from_vec([3, 2], vec![0.9, 0.1, 0.2, 0.8, 0.6, 0.4])?;
/// let target = Tensor::one_hot(&[0, 1, 1], 2)?;
/// let micro = F1Score::new().average(Average::Micro).measure(&output, &target)?;
/// assert!((micro - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct F1Score {
    /// How classes become one number (default: none, which are [`Metric::values`](crate::Metric::values) and as one number
    /// their mean).
    pub average: Option<Average>,
    /// Above it an output is called positive, in (0, 1] (default: none).
    pub threshold: Option<f64>,
}

impl F1Score {
    /// Of the greatest of each row, the mean over classes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
            beta: 1.0,
            threshold: self.threshold,
        }
    }
}

const NAME: &str = "f1_score";

counted!(F1Score, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "F1Score",
        name: NAME,
        about: "2 · precision · recall / (precision + recall), of classes",
        file: file!(),
        from_config: |config| read("F1Score", config, F1Score::check),
        by_name: |name| named(F1Score::new(), name),
        sample: || Sample {
            // The example of Keras's documentation: 0.5, 0.8 and 0.6666667 (of f32).
            config: json!({"average": null, "threshold": 0.5}),
            output: Tensor::from_fn([3, 3], |i| [0.2, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0.0][i]),
            target: Tensor::from_fn([3, 3], |i| [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0][i]),
            value: (0.5 + 0.8 + 0.666_666_7) / 3.0,
        },
    }
}
