//! The mean of squared differences of logarithms.

use super::{EPSILON, Loss, Row, Sample, check_same, fit, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// (ln(output + 1) − ln(target + 1))², averaged over everything; output and target are taken for 1e-7 where they are less.
/// Both have the same shape.
///
/// ```
/// use taper_nn::losses::{MeanSquaredLogarithmicError, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 1], vec![3.0])?);
/// let loss = MeanSquaredLogarithmicError.forward(&output, &Tensor::from_vec([1, 1], vec![1.0])?)?;
/// assert!((loss.value().item()? - 2f64.ln().powi(2)).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanSquaredLogarithmicError {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const MeanSquaredLogarithmicError: MeanSquaredLogarithmicError = MeanSquaredLogarithmicError {};

const NAME: &str = "mean_squared_logarithmic_error";

impl<E: Element> Loss<E> for MeanSquaredLogarithmicError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let least = E::from_f64(EPSILON);
        let target = fit(NAME, output.shape(), target)?.clip(least, E::infinity());
        let target = output.tape().constant(&target.log1p());
        let output = output.clip(least, E::infinity()).log1p();
        means_of_samples(&output.sub(&target)?.square())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MeanSquaredLogarithmicError",
        name: NAME,
        about: "(ln(output + 1) − ln(target + 1))², averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<MeanSquaredLogarithmicError>(
                "MeanSquaredLogarithmicError",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let (output, target) = (sampler.positive(&shape), sampler.positive(&shape));
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
                &MeanSquaredLogarithmicError,
                (&[2, 1], &[1.0, -3.0]),
                (&[2, 1], &[3.0, 0.0]),
            ),
            2.0f64.ln().powi(2) / 2.0,
        );
    }
}
