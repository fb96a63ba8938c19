//! The Kullback-Leibler divergence of distributions.

use super::{EPSILON, Loss, Row, Sample, check_same, fit, means_of_samples, sum_of_rows};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Σ target · ln(target / output) along the last axis, averaged over the other positions. Output and target are
/// `[n, …, classes]` probabilities, and are clipped to [1e-7, 1].
///
/// ```
/// use taper_nn::losses::{KLDivergence, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 2], vec![0.25, 0.75])?);
/// let loss = KLDivergence.forward(&output, &Tensor::from_vec([1, 2], vec![0.75, 0.25])?)?;
/// assert!((loss.value().item()? - (0.5 * 3f64.ln())).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KLDivergence {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const KLDivergence: KLDivergence = KLDivergence {};

const NAME: &str = "kl_divergence";

impl<E: Element> Loss<E> for KLDivergence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let [least, most] = [E::from_f64(EPSILON), E::one()];
        let target = fit(NAME, output.shape(), target)?.clip(least, most);
        let logarithm = output.tape().constant(&target.ln());
        let target = output.tape().constant(&target);
        let differences = logarithm.sub(&output.clip(least, most).ln())?;
        means_of_samples(&sum_of_rows(NAME, &target.mul(&differences)?)?)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "KLDivergence",
        name: NAME,
        about: "Σ target · ln(target / output) along the last axis",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<KLDivergence>(
                "KLDivergence",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(2, 3, 4);
            let (output, target) = (
                sampler.uniform(&shape, 0.05, 0.95),
                sampler.uniform(&shape, 0.05, 0.95),
            );
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
                &KLDivergence,
                (&[2, 2], &[0.5, 0.5, 0.25, 0.75]),
                (&[2, 2], &[0.5, 0.5, 0.75, 0.25]),
            ),
            (0.75 * 3.0f64.ln() - 0.25 * 3.0f64.ln()) / 2.0,
        );
    }
}
