//! The best specificity where enough of what is positive is found.

use super::{AtThreshold, BestAt, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The greatest specificity (true negatives / all that are negative) at any threshold at which the
/// sensitivity (true positives / all that are positive) is at least what is asked for; 0 if it is nowhere. As in
/// Keras the thresholds are the `num_thresholds` edges of equal bins in [0, 1], over the whole set; outputs and targets as in
/// [`AUC`](crate::AUC), NaN too.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{SpecificityAtSensitivity, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.1, 0.4, 0.6, 0.9])?;
/// let target = Tensor::from_vec([4, 1], vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(SpecificityAtSensitivity::new(0.9).measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SpecificityAtSensitivity {
    /// The least sensitivity, in [0, 1] (default: 0.5; Keras has none).
    pub sensitivity: f64,
    /// Edges of bins, both ends included (default: 200); from 2 to 1,000,000.
    pub num_thresholds: usize,
}

impl SpecificityAtSensitivity {
    /// At this sensitivity at least, with 200 thresholds.
    #[must_use]
    pub fn new(sensitivity: f64) -> Self {
        SpecificityAtSensitivity {
            sensitivity,
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
            least: ("sensitivity", self.sensitivity),
            thresholds: self.num_thresholds,
            limited: AtThreshold::sensitivity,
            value: AtThreshold::specificity,
        }
    }
}

impl Default for SpecificityAtSensitivity {
    fn default() -> Self {
        SpecificityAtSensitivity::new(0.5)
    }
}

const NAME: &str = "specificity_at_sensitivity";

counted!(SpecificityAtSensitivity, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "SpecificityAtSensitivity",
        name: NAME,
        about: "the greatest specificity at any threshold with enough sensitivity",
        file: file!(),
        from_config: |config| {
            read(
                "SpecificityAtSensitivity",
                config,
                SpecificityAtSensitivity::check,
            )
        },
        by_name: |name| named(SpecificityAtSensitivity::default(), name),
        sample: || Sample {
            config: json!({"sensitivity": 0.5, "num_thresholds": 200}),
            output: Tensor::from_fn([10, 1], |i| SCORES[i]),
            target: Tensor::from_fn([10, 1], |i| f32::from(i >= 5)),
            value: 0.8,
        },
    }
}

/// Of five negatives and five positives.
const SCORES: [f32; 10] = [0.0, 0.1, 0.3, 0.6, 0.38, 0.2, 0.25, 0.45, 0.65, 0.85];
