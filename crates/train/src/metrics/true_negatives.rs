//! How many are not called positive and are not.

use super::{Metric, Row, Sample, add_counted, named, parse, same_shape};
use crate::{Mode, Result, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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

    fn check(&self) -> Result<()> {
        let checked = setting::fraction("thresholds", self.threshold);
        checked.map_err(|fault| setting::of("TrueNegatives", fault))
    }
}

impl Default for TrueNegatives {
    fn default() -> Self {
        TrueNegatives { threshold: 0.5 }
    }
}

const NAME: &str = "true_negatives";

impl Metric for TrueNegatives {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        json!({"thresholds": self.threshold})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        self.check()?;
        same_shape(NAME, output, target).map(|()| 1)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let pair = (output, target);
        add_counted(
            NAME,
            sums,
            pair,
            sample_weights,
            self.threshold,
            |called, is| !called && !is,
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        sums[0]
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "TrueNegatives",
        name: NAME,
        about: "the weights of all that are not called positive and are not",
        file: file!(),
        from_config: |config| {
            let metric: TrueNegatives = parse("TrueNegatives", config)?;
            metric.check()?;
            Ok(Box::new(metric))
        },
        by_name: |name| named(TrueNegatives::new(), name),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 1.0,
        },
    }
}
