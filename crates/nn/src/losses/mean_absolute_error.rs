//! The mean of absolute differences.

use super::{Loss, Row, Sample, check_same, difference, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// |output − target|, averaged over everything. Output and target have the same shape. Where they are equal the gradient
/// is 0.
///
/// ```
/// use taper_nn::losses::{MeanAbsoluteError, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![1.0, 4.0])?);
/// let loss = MeanAbsoluteError.forward(&output, &Tensor::from_vec([2, 1], vec![2.0, 1.0])?)?;
/// assert!((loss.value().item()? - (1.0 + 3.0) / 2.0).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanAbsoluteError {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const MeanAbsoluteError: MeanAbsoluteError = MeanAbsoluteError {};

const NAME: &str = "mean_absolute_error";

impl<E: Element> Loss<E> for MeanAbsoluteError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        means_of_samples(&difference(NAME, output, target)?.abs())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MeanAbsoluteError",
        name: NAME,
        about: "|output − target|, averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<MeanAbsoluteError>(
                "MeanAbsoluteError",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let (output, target) = sampler.distinct_pair(&shape, &shape);
            Sample {
                config: json!({}),
                output,
                target,
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        close(
            value(
                &MeanAbsoluteError,
                (&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
                (&[2, 2], &[1.0, 0.0, 5.0, 1.0]),
            ),
            7.0 / 4.0,
        );
    }
}
