//! Squares of small differences, large ones as they are.

use super::{Loss, Row, Sample, check_same, difference, means_of_samples};
use crate::{Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor, setting};

/// ½x² for differences x = output − target of at most δ, δ·|x| − ½δ² beyond, averaged over everything (Huber 1964). Output
/// and target have the same shape.
///
/// `Huber` as a value has δ = 1.
///
/// ```
/// use taper_nn::losses::{Huber, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![0.5, 4.0])?);
/// let loss = Huber.forward(&output, &Tensor::from_vec([2, 1], vec![0.0, 1.0])?)?;
/// assert!((loss.value().item()? - (0.125 + 2.5) / 2.0).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Huber {
    /// Where the loss goes over from the square to the straight line, above 0 (default: 1).
    pub delta: f64,
}

/// The loss with δ = 1.
#[allow(non_upper_case_globals)]
pub const Huber: Huber = Huber { delta: 1.0 };

impl Default for Huber {
    fn default() -> Self {
        Huber
    }
}

const NAME: &str = "huber";

impl<E: Element> Loss<E> for Huber {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let delta = E::from_f64(self.delta);
        let size = difference(NAME, output, target)?.abs();
        let near = size.clip(E::zero(), delta);
        let beyond = size.sub(&near)?.scale(delta);
        means_of_samples(&near.square().scale(E::from_f64(0.5)).add(&beyond)?)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn check(&self) -> Result<()> {
        let checked = setting::positive("delta", self.delta);
        checked.map_err(|fault| Error::Config(format!("Huber: {fault}")))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Huber",
        name: NAME,
        about: "½x² for |x| ≤ δ, δ·|x| − ½δ² beyond, averaged over everything; x = output − target",
        file: file!(),
        from_config: |config| {
            let loss = config::parse::<Huber>("Huber", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let delta = sampler.one_of(&[0.5, 1.0, 2.0]);
            // No difference is near the kink.
            let size = sampler
                .distinct(&shape)
                .map(|x| x + 0.2 * delta * x.signum());
            let target = sampler.tensor(&shape);
            let output = Tensor::from_fn(&shape[..], |i| {
                let (t, x) = (target.to_vec()[i], size.to_vec()[i]);
                t + if (x.abs() - delta).abs() < 0.01 {
                    1.1 * x
                } else {
                    x
                }
            });
            Sample {
                config: json!({ "delta": delta }),
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
        let output = (&[2, 2][..], &[1.0, 2.0, 3.0, -4.0][..]);
        let target = (&[2, 2][..], &[1.0, 1.5, 0.0, 1.0][..]);
        close(value(&Huber, output, target), (0.125 + 2.5 + 4.5) / 4.0);
        let wide = Huber { delta: 4.0 };
        close(value(&wide, output, target), (0.125 + 4.5 + 12.0) / 4.0);
    }

    #[test]
    fn a_delta_that_is_none_is_refused() {
        for delta in [0.0, -1.0] {
            let error = (row::<f32>().from_config)(&json!({ "delta": delta })).unwrap_err();
            assert!(error.to_string().contains("delta"), "{error}");
        }
    }
}
