//! The hinge loss of one class against all others.

use super::{Loss, Row, Sample, check_same, fit, last_axis, means_of_samples, sum_of_rows};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// max(1 + highest score of another class − score of the true class, 0) along the last axis, averaged over the other
/// positions: max(1 + max((1 − target) · output) − Σ target · output, 0). Output and one-hot target are `[n, …, classes]`.
///
/// ```
/// use taper_nn::losses::{CategoricalHinge, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 3], vec![0.5, 2.0, 0.25])?);
/// let loss = CategoricalHinge.forward(&output, &Tensor::from_vec([1, 3], vec![1.0, 0.0, 0.0])?)?;
/// assert!((loss.value().item()? - (1.0 + 2.0 - 0.5)).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalHinge {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const CategoricalHinge: CategoricalHinge = CategoricalHinge {};

const NAME: &str = "categorical_hinge";

impl<E: Element> Loss<E> for CategoricalHinge {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = fit(NAME, output.shape(), target)?;
        let tape = output.tape();
        let (own, other) = (
            tape.constant(&target),
            tape.constant(&target.neg().shift(E::one())),
        );
        let own = sum_of_rows(NAME, &own.mul(output)?)?;
        let axis = last_axis(NAME, output.shape())?;
        let other = other.mul(output)?.max_axes(&[axis], false)?;
        means_of_samples(&other.sub(&own)?.shift(E::one()).relu())
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CategoricalHinge",
        name: NAME,
        about: "max(1 + max((1 − target) · output) − Σ target · output, 0)",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<CategoricalHinge>(
                "CategoricalHinge",
                config,
            )?))
        },
        sample: |sampler| {
            // Scores are whole numbers and a tenth of the class: no two are near each other, no margin near 0.
            let (rows, classes) = (sampler.integer(1, 4), sampler.integer(2, 4));
            let scores: Vec<f64> = (0..rows * classes)
                .map(|i| sampler.integer(1, 4) as f64 + 0.1 * ((i % classes) as f64 + 1.0))
                .collect();
            let output = Tensor::from_fn([rows, classes], |i| scores[i]);
            let labels: Vec<usize> = (0..rows).map(|_| sampler.integer(0, classes - 1)).collect();
            let target = Tensor::from_fn([rows, classes], |i| {
                f64::from(u8::from(labels[i / classes] == i % classes))
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
                &CategoricalHinge,
                (&[2, 3], &[0.5, 2.0, 0.25, 3.0, 1.0, -1.0]),
                (&[2, 3], &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            ),
            (2.5 + 0.0) / 2.0,
        );
    }
}
