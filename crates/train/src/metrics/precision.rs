//! How much of what is called positive is.

use super::{Metric, Row, Sample, add_positives, read, same_shape};
use crate::{Mode, Result, labels::share, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// True positives / all that are called positive: the share of the outputs above the threshold whose targets are 1. Output
/// and target have the same shape; everything in it counts, over the whole set, and 0 of nothing is 0, as in Keras. An
/// output that is NaN is not above the threshold.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Precision, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.9, 0.6, 0.4, 0.2])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 0.0, 1.0, 0.0])?;
/// assert_eq!(Precision::new().measure(&output, &target)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Precision {
    /// Above it an output is positive (default 0.5); Keras's `thresholds`.
    #[serde(rename = "thresholds")]
    pub threshold: f64,
}

impl Precision {
    fn check(&self) -> Result<()> {
        let checked = setting::fraction("thresholds", self.threshold);
        checked.map_err(|fault| setting::of("Precision", fault))
    }

    /// With a threshold of 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for Precision {
    fn default() -> Self {
        Precision { threshold: 0.5 }
    }
}

const NAME: &str = "precision";

impl Metric for Precision {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        json!({"thresholds": self.threshold})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// True positives; all that are called positive.
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
        add_positives(
            NAME,
            sums,
            pair,
            sample_weights,
            self.threshold,
            |called, _| called,
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "Precision",
        name: NAME,
        about: "true positives / all that are called positive",
        file: file!(),
        from_config: |config| read("Precision", config, Precision::check),
        by_name: |name| (name == NAME).then(|| Box::new(Precision::new()) as _),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 2.0 / 3.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_decides_and_nothing_is_0() {
        let output = Tensor::from_slice([4, 1], &[0.9, 0.6, 0.4, 0.2]).unwrap();
        let target = Tensor::from_slice([4, 1], &[1.0, 0.0, 1.0, 1.0]).unwrap();
        let at = |threshold| Precision { threshold }.measure(&output, &target).unwrap();
        assert_eq!(at(0.5), 0.5);
        assert_eq!(at(0.3), 2.0 / 3.0);
        assert_eq!(at(0.95), 0.0);
        let output = Tensor::from_slice([4, 1], &[0.9, f32::NAN, f32::NAN, 0.2]).unwrap();
        let broken = Precision::new().measure(&output, &target).unwrap();
        assert_eq!(broken, 1.0);
        assert!((row().from_config)(&json!({"thresholds": 1.5})).is_err());
    }
}
