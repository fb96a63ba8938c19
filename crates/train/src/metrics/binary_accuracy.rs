//! The share of values that are on the right side of a threshold.

use super::{Metric, Row, Sample, each_value, named, read, same_shape};
use crate::{Mode, Result, labels::share, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// The share of values for which "output above the threshold" is what the target (0 or 1) says, over everything. Output and
/// target have the same shape; an output that is NaN is never right.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{BinaryAccuracy, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.98, 0.5, 0.2, 0.6])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 1.0, 0.0, 0.0])?;
/// assert_eq!(BinaryAccuracy::new().measure(&output, &target)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BinaryAccuracy {
    /// Above it an output means 1 (default: 0.5).
    pub threshold: f64,
}

impl BinaryAccuracy {
    /// With a threshold of 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another threshold; 0 for logits.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    fn check(&self) -> Result<()> {
        if self.threshold.is_finite() {
            return Ok(());
        }
        let fault = format!("threshold is {}, it must be a number", self.threshold);
        Err(setting::of("BinaryAccuracy", fault))
    }
}

impl Default for BinaryAccuracy {
    fn default() -> Self {
        BinaryAccuracy { threshold: 0.5 }
    }
}

const NAME: &str = "binary_accuracy";

impl Metric for BinaryAccuracy {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        json!({"threshold": self.threshold})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// The right ones, and all.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        self.check()?;
        same_shape(NAME, output, target).map(|()| 2)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let pair = (output, target);
        each_value(NAME, pair, sample_weights, |_, output, target, weight| {
            let said = f64::from(output > self.threshold);
            if said == target && !output.is_nan() {
                sums[0] += weight;
            }
            sums[1] += weight;
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "BinaryAccuracy",
        name: NAME,
        about: "the share of values that are on the right side of a threshold",
        file: file!(),
        from_config: |config| read("BinaryAccuracy", config, BinaryAccuracy::check),
        by_name: |name| named(BinaryAccuracy::new(), name),
        sample: || Sample {
            config: json!({"threshold": 0.5}),
            output: Tensor::from_fn([4, 1], |i| [0.98, 0.5, 0.2, 0.6][i]),
            target: Tensor::from_fn([4, 1], |i| [1.0, 1.0, 0.0, 0.0][i]),
            value: 0.5,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_right() {
        let output = Tensor::from_slice([3, 1], &[f32::NAN, f32::NAN, 0.9]).unwrap();
        let target = Tensor::from_slice([3, 1], &[0.0, 1.0, 1.0]).unwrap();
        let found = BinaryAccuracy::new().measure(&output, &target).unwrap();
        assert_eq!(found, 1.0 / 3.0);
    }
}
