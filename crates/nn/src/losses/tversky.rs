//! The Tversky loss of masks: Dice with weights for the two kinds of mistakes.

use super::{Axes, EPSILON, Loss, Row, Sample, check_same, fit};
use crate::{Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor, setting};

/// 1 − c / (c + α · m + β · s + 1e-7) with c = Σ target · output, m = Σ target · (1 − output) (what is missed) and
/// s = Σ (1 − target) · output (what is superfluous) (Salehi et al. 2017, Tversky Loss Function for Image Segmentation).
/// α and β are applied as Keras's code does. The sums run over everything, or over `axis`, as in
/// [`Dice`](struct@super::Dice), which this is for α = β = ½. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{Tversky, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 2], vec![0.5, 0.5])?);
/// let loss = Tversky.forward(&output, &Tensor::from_vec([1, 2], vec![1.0, 0.0])?)?;
/// assert!((loss.value().item()? - (1.0 - 0.5 / (1.0 + 1e-7))).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Tversky {
    /// The weight of what is missed, at least 0 (default: 0.5).
    pub alpha: f64,
    /// The weight of what is superfluous, at least 0 (default: 0.5).
    pub beta: f64,
    /// Over which axes the sums run (default: all).
    pub axis: Axes,
}

/// The loss with Keras's defaults.
#[allow(non_upper_case_globals)]
pub const Tversky: Tversky = Tversky {
    alpha: 0.5,
    beta: 0.5,
    axis: Axes(None),
};

const NAME: &str = "tversky";

impl Default for Tversky {
    fn default() -> Self {
        Tversky
    }
}

impl Tversky {
    /// With these weights of what is missed and what is superfluous.
    #[must_use]
    pub fn new(alpha: f64, beta: f64) -> Self {
        Tversky {
            alpha,
            beta,
            ..Tversky
        }
    }

    /// Sums over these axes alone; the batch counts, −1 is the last.
    #[must_use]
    pub fn axis(mut self, axes: impl Into<Vec<isize>>) -> Self {
        self.axis = Axes(Some(axes.into()));
        self
    }
}

impl<E: Element> Loss<E> for Tversky {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = fit(NAME, output.shape(), target)?;
        let axes = self.axis.positions(NAME, output.shape())?;
        let constant = |value: &Tensor<E>| output.tape().constant(value);
        let (alpha, beta) = (E::from_f64(self.alpha), E::from_f64(self.beta));
        let common = output.mul(&constant(&target))?.sum_axes(&axes, false)?;
        let missed = constant(&target.sum_axes(&axes, false)?).sub(&common)?;
        let superfluous = output.sum_axes(&axes, false)?.sub(&common)?;
        let all = missed
            .scale(alpha)
            .add(&superfluous.scale(beta))?
            .add(&common)?;
        let index = common.div(&all.shift(E::from_f64(EPSILON)))?;
        Axes::of_samples(&axes, &index.neg().shift(E::one()), output.shape()[0])
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn terms(&self, output: &Tensor<E>, _target: &Tensor<E>) -> Result<f64> {
        self.axis.terms(NAME, output.shape())
    }

    fn check(&self) -> Result<()> {
        let checked = setting::not_negative("alpha", self.alpha)
            .and_then(|()| setting::not_negative("beta", self.beta));
        checked.map_err(|fault| Error::Config(format!("Tversky: {fault}")))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Tversky",
        name: NAME,
        about: "1 − c / (c + α · missed + β · superfluous), c = Σ target · output",
        file: file!(),
        from_config: |config| {
            let loss: Tversky = config::parse("Tversky", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = sampler.shape(2, 3, 4);
            let axis = match sampler.coin() {
                true => json!(null),
                false => json!([-1]),
            };
            Sample {
                config: json!({"alpha": 0.3, "beta": 0.6, "axis": axis}),
                output: sampler.uniform(&shape, 0.05, 0.95),
                target: sampler.uniform(&shape, 0.1, 1.0),
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dice;
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        let output = (&[2, 2][..], &[0.5, 0.25, 0.75, 0.0][..]);
        let target = (&[2, 2][..], &[1.0, 0.0, 1.0, 1.0][..]);
        // c = 1.25, missed 1.75, superfluous 0.25.
        let wanted = 1.0 - 1.25 / (1.25 + 0.25 * 1.75 + 0.25 + 1e-7);
        close(value(&Tversky::new(0.25, 1.0), output, target), wanted);
        let (tversky, dice) = (
            value(&Tversky, output, target),
            value(&Dice, output, target),
        );
        assert!((tversky - dice).abs() <= 1e-7, "{tversky}, {dice}");
    }
}
