//! The Dice loss of masks.

use super::{Axes, EPSILON, Loss, Row, Sample, check_same, fit};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// 1 − 2 · Σ target · output / (Σ target + Σ output + 1e-7) (Dice 1945; Sudre et al. 2017): how little two masks overlap.
/// The sums run over everything, the batch included, so that a batch has one loss; over `axis`, if it is given, and the
/// loss is the mean of what is left. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{Dice, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let masks = Tape::new().constant(&Tensor::<f32>::ones([2, 4, 4, 1]));
/// let loss = Dice.axis([1, 2, 3]).forward(&masks, &Tensor::ones([2, 4, 4, 1]))?;
/// assert!(loss.value().item()?.abs() < 1e-6);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Dice {
    /// Over which axes the sums run (default: all).
    pub axis: Axes,
}

/// The loss with sums over everything.
#[allow(non_upper_case_globals)]
pub const Dice: Dice = Dice { axis: Axes(None) };

const NAME: &str = "dice";

impl Dice {
    /// Sums over these axes alone; the batch counts, −1 is the last.
    #[must_use]
    pub fn axis(mut self, axes: impl Into<Vec<isize>>) -> Self {
        self.axis = Axes(Some(axes.into()));
        self
    }
}

impl<E: Element> Loss<E> for Dice {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = fit(NAME, output.shape(), target)?;
        let axes = self.axis.positions(NAME, output.shape())?;
        let target = output.tape().constant(&target);
        let common = output.mul(&target)?.sum_axes(&axes, false)?;
        let both = output.add(&target)?.sum_axes(&axes, false)?;
        let overlap = common
            .scale(E::from_f64(-2.0))
            .div(&both.shift(E::from_f64(EPSILON)))?;
        Axes::of_samples(&axes, &overlap.shift(E::one()), output.shape()[0])
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn terms(&self, output: &Tensor<E>, _target: &Tensor<E>) -> Result<f64> {
        self.axis.terms(NAME, output.shape())
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Dice",
        name: NAME,
        about: "1 − 2 · Σ target · output / (Σ target + Σ output)",
        file: file!(),
        from_config: |config| Ok(Box::new(config::parse::<Dice>("Dice", config)?)),
        sample: |sampler| {
            let shape = sampler.shape(2, 3, 4);
            let axis = match sampler.coin() {
                true => json!(null),
                false => json!([1]),
            };
            Sample {
                config: json!({ "axis": axis }),
                output: sampler.uniform(&shape, 0.05, 0.95),
                target: sampler.uniform(&shape, 0.1, 1.0),
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
        // The examples of Keras's documentation.
        let output = (&[2, 2, 2, 1][..], &[0., 0.4, 0., 0.4, 0., 0.9, 0., 0.9][..]);
        let target = (&[2, 2, 2, 1][..], &[1., 1., 0., 0., 1., 1., 0., 0.][..]);
        close(value(&Dice, output, target), 1.0 - 2.6 / (6.6 + 1e-7));
        let each = Dice.axis([1, 2, 3]);
        let wanted = 1.0 - (0.8 / (2.8 + 1e-7) + 1.8 / (3.8 + 1e-7)) / 2.0;
        close(value(&each, output, target), wanted);
        let read = (row::<f64>().from_config)(&json!({"axis": -1})).unwrap();
        assert_eq!(read.config(), json!({"axis": [-1]}));
        assert!((row::<f64>().from_config)(&json!({"axis": "all"})).is_err());
    }
}
