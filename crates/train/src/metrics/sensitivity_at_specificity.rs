//! The best sensitivity where enough of what is negative is left alone.

use super::{AtThreshold, BestAt, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The greatest sensitivity (true positives / all that are positive) at any threshold at which the
/// specificity (true negatives / all that are negative) is at least what is asked for; 0 if it is nowhere. As in
/// Keras the thresholds are the `num_thresholds` edges of equal bins in [0, 1], over the whole set; outputs and targets as in
/// [`AUC`](crate::AUC), NaN too.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{SensitivityAtSpecificity, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.1, 0.4, 0.6, 0.9])?;
/// let target = Tensor::from_vec([4, 1], vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(SensitivityAtSpecificity::new(0.9).measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SensitivityAtSpecificity {
    /// The least specificity, in [0, 1] (default: 0.5; Keras has none).
    pub specificity: f64,
    /// Edges of bins, both ends included (default: 200); from 2 to 1,000,000.
    pub num_thresholds: usize,
}

impl SensitivityAtSpecificity {
    /// At this specificity at least, with 200 thresholds.
    #[must_use]
    pub fn new(specificity: f64) -> Self {
        SensitivityAtSpecificity {
            specificity,
            num_thresholds: 200,
        }
    }

    /// With another number of thresholds.
    #[must_use]
    pub fn num_thresholds(mut self, thresholds: usize) -> Self {
        self.num_thresholds = thresholds;
        self
    }

    fn counter(&self) -> BestAt {
        BestAt {
            least: ("specificity", self.specificity),
            thresholds: self.num_thresholds,
            limited: AtThreshold::specificity,
            value: AtThreshold::sensitivity,
        }
    }
}

impl Default for SensitivityAtSpecificity {
    fn default() -> Self {
        SensitivityAtSpecificity::new(0.5)
    }
}

const NAME: &str = "sensitivity_at_specificity";

counted!(SensitivityAtSpecificity, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "SensitivityAtSpecificity",
        name: NAME,
        about: "the greatest sensitivity at any threshold with enough specificity",
        file: file!(),
        from_config: |config| {
            read(
                "SensitivityAtSpecificity",
                config,
                SensitivityAtSpecificity::check,
            )
        },
        by_name: |name| named(SensitivityAtSpecificity::default(), name),
        sample: || Sample {
            config: json!({"specificity": 0.5, "num_thresholds": 200}),
            output: Tensor::from_fn([10, 1], |i| SCORES[i]),
            target: Tensor::from_fn([10, 1], |i| f32::from(i >= 5)),
            value: 0.6,
        },
    }
}

/// Of five negatives and five positives.
const SCORES: [f32; 10] = [0.0, 0.1, 0.3, 0.6, 0.38, 0.2, 0.25, 0.45, 0.65, 0.85];
