//! The sum of the outputs.

use super::{Metric, Row, Sample, each_value, named, parse};
use crate::{Mode, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The sum of everything in the outputs, each sample times its weight, whatever the targets. Which
/// way is better is not known; less is taken for it.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Sum, Metric};
/// let output = Tensor::from_vec([4], vec![1.0, 3.0, 5.0, 7.0])?;
/// assert_eq!(Sum.measure(&output, &Tensor::zeros([4]))?, 16.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const Sum: Sum = Sum {};

const NAME: &str = "sum";

impl Metric for Sum {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Min
    }

    fn sums(&self, _output: &[usize], _target: &[usize]) -> Result<usize> {
        Ok(1)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        _target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        each_value(
            NAME,
            (output, output),
            sample_weights,
            |_, output, _, weight| {
                sums[0] += weight * output;
            },
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        sums[0]
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "Sum",
        name: NAME,
        about: "the sum of everything in the outputs",
        file: file!(),
        from_config: |config| Ok(Box::new(parse::<Sum>("Sum", config)?)),
        by_name: |name| named(Sum, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([4, 1], |i| [0.5, 2.5, 1.5, 3.5][i]),
            target: Tensor::zeros([4, 1]),
            value: 8.0,
        },
    }
}
