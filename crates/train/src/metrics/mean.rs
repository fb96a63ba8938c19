//! The mean of the outputs.

use super::{Metric, Row, Sample, each_value, named, parse};
use crate::{Mode, Result, labels::share};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// The mean of everything in the outputs, whatever the targets: a figure of the model alone, such as how active a layer is. Which
/// way is better is not known; less is taken for it.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Mean, Metric};
/// let output = Tensor::from_vec([4], vec![1.0, 3.0, 5.0, 7.0])?;
/// assert_eq!(Mean.measure(&output, &Tensor::zeros([4]))?, 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const Mean: Mean = Mean {};

const NAME: &str = "mean";

impl Metric for Mean {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Min
    }

    fn sums(&self, _output: &[usize], _target: &[usize]) -> Result<usize> {
        Ok(2)
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
                sums[1] += weight;
            },
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "Mean",
        name: NAME,
        about: "the mean of everything in the outputs",
        file: file!(),
        from_config: |config| Ok(Box::new(parse::<Mean>("Mean", config)?)),
        by_name: |name| named(Mean, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([4, 1], |i| [0.5, 2.5, 1.5, 3.5][i]),
            target: Tensor::zeros([4, 1]),
            value: 2.0,
        },
    }
}
