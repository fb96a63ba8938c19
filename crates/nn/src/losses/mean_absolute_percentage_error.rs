//! The mean of absolute differences, in percent of the target.

use super::{EPSILON, Loss, Row, Sample, check_same, difference, fit, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// 100 · |target − output| / max(|target|, 1e-7), averaged over everything. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{MeanAbsolutePercentageError, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![1.0, 3.0])?);
/// let loss = MeanAbsolutePercentageError.forward(&output, &Tensor::from_vec([2, 1], vec![2.0, 4.0])?)?;
/// assert!((loss.value().item()? - (50.0 + 25.0) / 2.0).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanAbsolutePercentageError {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const MeanAbsolutePercentageError: MeanAbsolutePercentageError = MeanAbsolutePercentageError {};

const NAME: &str = "mean_absolute_percentage_error";

impl<E: Element> Loss<E> for MeanAbsolutePercentageError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let least = E::from_f64(EPSILON);
        let size = |t: E| {
            let t = t.abs();
            if t < least { least } else { t }
        };
        let percent = fit(NAME, output.shape(), target)?.map(|t| E::from_f64(100.0) / size(t));
        let differences = difference(NAME, output, target)?.abs();
        means_of_samples(&differences.mul(&output.tape().constant(&percent))?)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MeanAbsolutePercentageError",
        name: NAME,
        about: "100 · |target − output| / |target|, averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<MeanAbsolutePercentageError>(
                "MeanAbsolutePercentageError",
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
                &MeanAbsolutePercentageError,
                (&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
                (&[2, 2], &[1.0, 1.0, -6.0, 5.0]),
            ),
            (0.0 + 100.0 + 150.0 + 20.0) / 4.0,
        );
        close(
            value(
                &MeanAbsolutePercentageError,
                (&[1, 1], &[1.0]),
                (&[1, 1], &[0.0]),
            ),
            1e9,
        );
    }
}
