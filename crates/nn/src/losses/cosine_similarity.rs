//! The cosine of the angle between output and target.

use super::{
    EPSILON, Loss, Row, Sample, check_same, fit, last_axis, means_of_samples, sum_of_rows,
};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −cos of the angle between output and target along the last axis, averaged over the other positions: −1 for the same
/// direction, 1 for the opposite one, 0 where one of them is zero. Both are `[n, …, k]`; rows are divided by their
/// length, but by no less than 1e-7.
///
/// ```
/// use taper_nn::losses::{CosineSimilarity, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 2], vec![3.0, 4.0])?);
/// let loss = CosineSimilarity.forward(&output, &Tensor::from_vec([1, 2], vec![4.0, 3.0])?)?;
/// assert!((loss.value().item()? - (-24.0 / 25.0)).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineSimilarity {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const CosineSimilarity: CosineSimilarity = CosineSimilarity {};

const NAME: &str = "cosine_similarity";

impl<E: Element> Loss<E> for CosineSimilarity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = output.tape().constant(&fit(NAME, output.shape(), target)?);
        let (a, b) = (directions(output)?, directions(&target)?);
        means_of_samples(&sum_of_rows(NAME, &a.mul(&b)?)?.neg())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn compares_rows(&self) -> bool {
        true
    }
}

/// Rows of length 1, but for those that are shorter than 1e-7.
fn directions<E: Element>(x: &Var<E>) -> Result<Var<E>> {
    let axis = last_axis(NAME, x.shape())?;
    let least = E::from_f64(EPSILON * EPSILON);
    let squares = x.square().sum_axes(&[axis], true)?;
    Ok(x.div(&squares.clip(least, E::infinity()).sqrt())?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CosineSimilarity",
        name: NAME,
        about: "−Σ output · target / (|output| · |target|) along the last axis",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<CosineSimilarity>(
                "CosineSimilarity",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(2, 3, 4);
            let (output, target) = (
                sampler.away_from_zero(&shape),
                sampler.away_from_zero(&shape),
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
                &CosineSimilarity,
                (&[3, 2], &[3.0, 4.0, 0.0, 0.0, 1.0, 0.0]),
                (&[3, 2], &[4.0, 3.0, 1.0, 0.0, -2.0, 0.0]),
            ),
            (-24.0 / 25.0 - 0.0 + 1.0) / 3.0,
        );
    }
}
