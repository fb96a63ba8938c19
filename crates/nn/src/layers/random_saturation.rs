//! The colours of images made stronger or weaker at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, colours, named, per_sample,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training the colours of every image become stronger or weaker: `[height, width, 3]`, the same shape out. A factor f is
/// drawn anew for each image, and the saturation (in HSV) multiplied by f / (1 − f): with 0.5 nothing changes, with 0 all is grey.
/// As in Keras the saturation is then kept within `value_range`, which says something only where that is `[0, 1]`. Values are
/// expected not to be negative. The gradient flows (Keras's does not on TensorFlow, which has none of this).
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomSaturation};
/// let layer = RandomSaturation::new((0.3, 0.7)).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[32, 32, 3])?, [32, 32, 3]);
/// assert!(layer.output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSaturation {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How strong, in [−1, 1], where 0.5 is as before; a single number is from its negative (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomSaturation {
    /// As strong as this at most.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomSaturation {
            name: None,
            factor: factor.into(),
            value_range: pixels(),
        }
    }

    /// The smallest and the largest value of a pixel (default: 0 and 255).
    pub fn value_range(mut self, smallest: f64, largest: f64) -> Self {
        self.value_range = [smallest, largest];
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for RandomSaturation {
    fn class_name(&self) -> &'static str {
        "RandomSaturation"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        colours("RandomSaturation", input)?;
        self.factor
            .check("factor", [-1.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .and_then(
                |()| match self.value_range[0] <= 0.0 && self.value_range[1] > 0.0 {
                    true => Ok(()),
                    false => Err(format!(
                        "value_range is {:?}, it must begin at 0 or below, and end above",
                        self.value_range
                    )),
                },
            )
            .map_err(named("RandomSaturation"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomSaturation {
    /// The factor of the saturation.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let factor = draws.uniform(0, self.factor.range(Single::Around, -1.0));
        vec![factor / (1.0 - factor + 1e-7)]
    }

    /// With the largest channel V and the smallest m the saturation is s = (V − m)/V, and a channel is V − (V − c)·s′/s.
    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range.map(E::from_f64);
        let tiny = E::from_f64(1e-30);
        let value = x.max_axes(&[3], true)?;
        let smallest = x.neg().max_axes(&[3], true)?.neg();
        let saturation = value
            .sub(&smallest)?
            .div(&value.clip(tiny, E::infinity()))?;
        let saturation = saturation.clip(tiny, E::infinity());
        let factor = per_sample(x, drawn, |d| d[0]);
        let ratio = saturation.mul(&factor)?.clip(low, high).div(&saturation)?;
        Ok(value.sub(&value.sub(x)?.mul(&ratio)?)?)
    }
}

impl<E: Element> Layer<E> for RandomSaturation {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomSaturation",
        about: "in training, makes the colours of every image stronger or weaker",
        file: file!(),
        from_config: |config| boxed::<E, RandomSaturation>("RandomSaturation", config),
        sample: |sampler| {
            let layer = RandomSaturation::new((sampler.number(0.1, 0.4), sampler.number(0.5, 0.8)))
                .value_range(-1e6, 1e6);
            Sample::new(layer, [sampler.integer(1, 4), sampler.integer(1, 4), 3])
        },
    }
}
