//! The square of the hinge loss.

use super::{Loss, Row, Sample, check_same, margins, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// max(1 − target · output, 0)², averaged over everything. Targets are −1 and 1; if all of them are 0 and 1, they are taken
/// for −1 and 1. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{SquaredHinge, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![0.5, -2.0])?);
/// let loss = SquaredHinge.forward(&output, &Tensor::from_vec([2, 1], vec![1.0, 1.0])?)?;
/// assert!((loss.value().item()? - (0.25 + 9.0) / 2.0).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquaredHinge {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const SquaredHinge: SquaredHinge = SquaredHinge {};

const NAME: &str = "squared_hinge";

impl<E: Element> Loss<E> for SquaredHinge {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        means_of_samples(&margins(NAME, output, target)?.relu().square())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SquaredHinge",
        name: NAME,
        about: "max(1 − target · output, 0)², averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<SquaredHinge>(
                "SquaredHinge",
                config,
            )?))
        },
        sample: |sampler| {
            // No margin is near the kink: every output is on one side of 1 or the other, by a quarter at least.
            let shape = sampler.shape(1, 3, 4);
            let target = sampler.tensor(&shape).map(f64::signum);
            let output = sampler
                .away_from_zero(&shape)
                .map(|x| x + 0.25 * x.signum());
            let output = Tensor::from_fn(&shape[..], |i| {
                target.to_vec()[i] * (1.0 + output.to_vec()[i])
            });
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
                &SquaredHinge,
                (&[2, 2], &[0.5, -2.0, 0.25, 3.0]),
                (&[2, 2], &[1.0, 1.0, -1.0, 1.0]),
            ),
            (0.25 + 9.0 + 1.5625 + 0.0) / 4.0,
        );
    }
}
