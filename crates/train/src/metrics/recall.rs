//! How much of what is positive is found.

use super::{Metric, Row, Sample, add_positives, read, same_shape};
use crate::{Mode, Result, labels::share, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// True positives / all that are positive: the share of the targets of 1 whose outputs are above the threshold. Output and
/// target have the same shape; everything in it counts, over the whole set, and 0 of nothing is 0, as in Keras. An output
/// that is NaN is not above the threshold: a positive without a prediction is missed.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Recall, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.9, 0.6, 0.4, 0.2])?;
/// let target = Tensor::from_vec([4, 1], vec![1.0, 0.0, 1.0, 0.0])?;
/// assert_eq!(Recall::new().measure(&output, &target)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recall {
    /// Above it an output is positive (default 0.5); Keras's `thresholds`.
    #[serde(rename = "thresholds")]
    pub threshold: f64,
}

impl Recall {
    fn check(&self) -> Result<()> {
        let checked = setting::fraction("thresholds", self.threshold);
        checked.map_err(|fault| setting::of("Recall", fault))
    }

    /// With a threshold of 0.5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for Recall {
    fn default() -> Self {
        Recall { threshold: 0.5 }
    }
}

const NAME: &str = "recall";

impl Metric for Recall {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        json!({"thresholds": self.threshold})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// True positives; all that are positive.
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
        add_positives(NAME, sums, pair, sample_weights, self.threshold, |_, is| is)
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "Recall",
        name: NAME,
        about: "true positives / all that are positive",
        file: file!(),
        from_config: |config| read("Recall", config, Recall::check),
        by_name: |name| (name == NAME).then(|| Box::new(Recall::new()) as _),
        sample: || Sample {
            config: json!({"thresholds": 0.5}),
            output: Tensor::from_fn([6, 1], |i| [0.9, 0.6, 0.7, 0.5, 0.2, 0.1][i]),
            target: Tensor::from_fn([6, 1], |i| [1.0, 0.0, 1.0, 1.0, 0.0, 1.0][i]),
            value: 0.5,
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
        let at = |threshold| Recall { threshold }.measure(&output, &target).unwrap();
        assert_eq!(at(0.5), 1.0 / 3.0);
        assert_eq!(at(0.3), 2.0 / 3.0);
        assert_eq!(at(0.95), 0.0);
        let output = Tensor::from_slice([4, 1], &[0.9, f32::NAN, f32::NAN, 0.2]).unwrap();
        let broken = Recall::new().measure(&output, &target).unwrap();
        assert_eq!(broken, 1.0 / 3.0);
        assert!((row().from_config)(&json!({"thresholds": 1.5})).is_err());
    }
}
