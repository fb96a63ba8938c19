//! The negative logarithm of the likelihood of counts.

use super::{EPSILON, Loss, Row, Sample, check_same, fit, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// output − target · ln(output + 1e-7), averaged over everything: the negative log-likelihood of counts with the output as
/// their expected number, without the part that depends on the target alone. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{Poisson, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 1], vec![1.0])?);
/// let loss = Poisson.forward(&output, &Tensor::from_vec([1, 1], vec![3.0])?)?;
/// assert!((loss.value().item()? - (1.0 - 3.0 * 1.0000001f64.ln())).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const Poisson: Poisson = Poisson {};

const NAME: &str = "poisson";

impl<E: Element> Loss<E> for Poisson {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = output.tape().constant(&fit(NAME, output.shape(), target)?);
        let logarithm = output.shift(E::from_f64(EPSILON)).ln();
        means_of_samples(&output.sub(&target.mul(&logarithm)?)?)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Poisson",
        name: NAME,
        about: "output − target · ln(output), averaged over everything",
        file: file!(),
        from_config: |config| Ok(Box::new(config::parse::<Poisson>("Poisson", config)?)),
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
            value(&Poisson, (&[2, 1], &[1.0, 2.0]), (&[2, 1], &[3.0, 4.0])),
            (1.0 - 3.0 * (1.0f64 + 1e-7).ln() + 2.0 - 4.0 * (2.0f64 + 1e-7).ln()) / 2.0,
        );
    }
}
