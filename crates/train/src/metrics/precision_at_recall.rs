//! The best precision where enough is found.

use super::{AtThreshold, BestAt, Row, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The greatest precision (true positives / all that are called positive) at any threshold at which the
/// recall (true positives / all that are positive) is at least what is asked for; 0 if it is nowhere. As in
/// Keras the thresholds are the `num_thresholds` edges of equal bins in [0, 1], over the whole set; outputs and targets as in
/// [`AUC`](crate::AUC), NaN too.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{PrecisionAtRecall, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.1, 0.4, 0.6, 0.9])?;
/// let target = Tensor::from_vec([4, 1], vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(PrecisionAtRecall::new(0.9).measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PrecisionAtRecall {
    /// The least recall, in [0, 1] (default: 0.5; Keras has none).
    pub recall: f64,
    /// Edges of bins, both ends included (default: 200); from 2 to 1,000,000.
    pub num_thresholds: usize,
}

impl PrecisionAtRecall {
    /// At this recall at least, with 200 thresholds.
    #[must_use]
    pub fn new(recall: f64) -> Self {
        PrecisionAtRecall {
            recall,
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
            least: ("recall", self.recall),
            thresholds: self.num_thresholds,
            limited: AtThreshold::recall,
            value: AtThreshold::precision,
        }
    }
}

impl Default for PrecisionAtRecall {
    fn default() -> Self {
        PrecisionAtRecall::new(0.5)
    }
}

const NAME: &str = "precision_at_recall";

counted!(PrecisionAtRecall, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "PrecisionAtRecall",
        name: NAME,
        about: "the greatest precision at any threshold with enough recall",
        file: file!(),
        from_config: |config| read("PrecisionAtRecall", config, PrecisionAtRecall::check),
        by_name: |name| named(PrecisionAtRecall::default(), name),
        sample: || Sample {
            config: json!({"recall": 0.8, "num_thresholds": 200}),
            output: Tensor::from_fn([10, 1], |i| SCORES[i]),
            target: Tensor::from_fn([10, 1], |i| f32::from(i >= 5)),
            value: 0.8,
        },
    }
}

/// Of five negatives and five positives.
const SCORES: [f32; 10] = [0.0, 0.3, 0.38, 0.1, 0.6, 0.3, 0.5, 0.7, 0.8, 0.9];
