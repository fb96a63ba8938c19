//! How many are not called positive and are.

use super::{Metric, Row, Sample, add_counted, named, parse, same_shape};
use crate::{Mode, Result, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// The weights of all that are not called positive and are: of values, over the whole set; a sample
/// without a weight counts 1. Called positive are outputs above the threshold (NaN is not), positive are targets other than 0.
/// Output and target have the same shape.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{FalseNegatives, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.9, 0.6, 0.4, 0.2])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 0.0, 1.0, 0.0])?;
/// assert_eq!(FalseNegatives::new().measure(&output, &target)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FalseNegatives {
    /// Above it an output is called positive (default: 0.5); Keras's `thresholds`.
    #[serde(rename = "thresholds")]
    pub threshold: f64,
}

impl FalseNegatives {
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
        checked.map_err(|fault| setting::of("FalseNegatives", fault))
    }
}

impl Default for FalseNegatives {
    fn default() -> Self {
        FalseNegatives { threshold: 0.5 }
    }
}

const NAME: &str = "false_negatives";

impl Metric for FalseNegatives {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        json!({"thresholds": self.threshold})
    }

    fn mode(&self) -> Mode {
        Mode::Min
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
            |called, is| !called && is,
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        sums[0]
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "FalseNegatives",
        name: NAME,
        about: "the weights of all that are not called positive and are",
        file: file!(),
        from_config: |config| {
            let metric: FalseNegatives = parse("FalseNegatives", config)?;
            metric.check()?;
            Ok(Box::new(metric))
        },
        by_name: |name| named(FalseNegatives::new(), name),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 2.0,
        },
    }
}
