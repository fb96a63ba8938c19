//! The mean of squared differences.

use super::{Loss, Row, Sample, check_same, fit, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// (output − target)², averaged over everything. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{MeanSquaredError, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![1.0, 4.0])?);
/// let loss = MeanSquaredError.forward(&output, &Tensor::from_vec([2, 1], vec![2.0, 1.0])?)?;
/// assert!((loss.value().item()? - (1.0 + 9.0) / 2.0).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanSquaredError {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const MeanSquaredError: MeanSquaredError = MeanSquaredError {};

const NAME: &str = "mean_squared_error";

impl<E: Element> Loss<E> for MeanSquaredError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = output.tape().constant(&fit(NAME, output.shape(), target)?);
        Ok(output.sub(&target)?.square().mean())
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = output.tape().constant(&fit(NAME, output.shape(), target)?);
        means_of_samples(&output.sub(&target)?.square())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MeanSquaredError",
        name: NAME,
        about: "(output − target)², averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<MeanSquaredError>(
                "MeanSquaredError",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let (output, target) = (sampler.tensor(&shape), sampler.tensor(&shape));
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
    use taper_autograd::Tape;

    #[test]
    fn values() {
        close(
            value(
                &MeanSquaredError,
                (&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
                (&[2, 2], &[1.0, 0.0, 3.0, 1.0]),
            ),
            13.0 / 4.0,
        );
        // Keras takes a flat target for a column of outputs.
        close(
            value(
                &MeanSquaredError,
                (&[2, 1], &[1.0, 2.0]),
                (&[2], &[0.0, 0.0]),
            ),
            2.5,
        );
    }

    #[test]
    fn weights_count_samples_and_the_sum_is_divided_by_their_number() {
        let output =
            Tape::new().constant(&Tensor::from_slice([2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap());
        let target = Tensor::from_slice([2, 2], &[1.0, 0.0, 3.0, 1.0]).unwrap();
        let weights = Tensor::from_slice([2], &[3.0, 0.5]).unwrap();
        // The samples' losses are 2 and 4.5.
        let loss = MeanSquaredError.forward_weighted(&output, &target, &weights);
        close(
            loss.unwrap().value().item().unwrap(),
            (3.0 * 2.0 + 0.5 * 4.5) / 2.0,
        );
    }
}
