//! The mean of absolute differences.

use super::{Metric, Row, Sample, each_value, parse, same_shape};
use crate::{Mode, Result, labels::share};
use serde_json::json;
use taper_tensor::Tensor;

pub use taper_nn::MeanAbsoluteError;

const NAME: &str = "mean_absolute_error";

/// |output − target|, averaged over everything: the loss, measured on the whole set. Output and target have the same shape.
impl Metric for MeanAbsoluteError {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Min
    }

    /// Absolute differences, and the weights.
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
            sums[0] += weight * (output - target).abs();
            sums[1] += weight;
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "MeanAbsoluteError",
        name: NAME,
        about: "|output − target|, averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(parse::<MeanAbsoluteError>(
                "MeanAbsoluteError",
                config,
            )?))
        },
        by_name: |name| (name == NAME).then(|| Box::new(MeanAbsoluteError) as _),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([3, 2], |i| [1.0, 2.0, 3.0, 4.0, 0.0, 1.0][i]),
            target: Tensor::from_fn([3, 2], |i| [0.0, 2.0, 5.0, 1.0, 0.0, 1.0][i]),
            value: 1.0,
        },
    }
}
