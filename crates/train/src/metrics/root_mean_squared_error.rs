//! The root of the mean of squared differences.

use super::{Metric, Row, Sample, each_value, parse, same_shape};
use crate::{Mode, Result, labels::share};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// √ of the mean of (output − target)² over everything: over the whole set, which is no mean of batches. Output and
/// target have the same shape.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, RootMeanSquaredError};
/// let output = Tensor::from_vec([2, 1], vec![1.0, 7.0])?;
/// assert_eq!(RootMeanSquaredError.measure(&output, &Tensor::zeros([2, 1]))?, 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootMeanSquaredError {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const RootMeanSquaredError: RootMeanSquaredError = RootMeanSquaredError {};

const NAME: &str = "root_mean_squared_error";

impl Metric for RootMeanSquaredError {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Min
    }

    /// Squared differences, and the weights.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
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
            sums[0] += weight * (output - target).powi(2);
            sums[1] += weight;
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums).sqrt()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "RootMeanSquaredError",
        name: NAME,
        about: "√ of the mean of (output − target)² over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(parse::<RootMeanSquaredError>(
                "RootMeanSquaredError",
                config,
            )?))
        },
        by_name: |name| (name == NAME).then(|| Box::new(RootMeanSquaredError) as _),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([3, 2], |i| [1.0, 2.0, 3.0, 4.0, 0.0, 1.0][i]),
            target: Tensor::from_fn([3, 2], |i| [0.0, 2.0, 5.0, 1.0, 0.0, 1.0][i]),
            value: (14.0_f64 / 6.0).sqrt(),
        },
    }
}
