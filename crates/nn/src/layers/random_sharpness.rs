//! Images made sharper or softer at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, blend, check_range, depthwise, image, named,
    per_sample,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training every image becomes sharper or softer: `[height, width, channels]`, the same shape out. A factor f is drawn anew
/// for each image; what comes out is x + (1 − 2 f) · (smooth(x) − x), where smooth is the mean of 3×3 pixels in which the middle one
/// counts five times. What leaves the range is brought back to its end. With f = 0.5 nothing changes.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomSharpness};
/// let layer = RandomSharpness::new((0.3, 0.7)).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomSharpness::new(1.5).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSharpness {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How sharp, in [0, 1], where 0.5 is as before; a single number is from 0 (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomSharpness {
    /// As sharp as this at most.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomSharpness {
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

impl Describe for RandomSharpness {
    fn class_name(&self) -> &'static str {
        "RandomSharpness"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomSharpness", input)?;
        self.factor
            .check("factor", [0.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomSharpness"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomSharpness {
    /// How sharp.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        vec![draws.uniform(0, self.factor.range(Single::UpTo, 0.0))]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range.map(E::from_f64);
        let (a, b) = (1.0 / 13.0, 5.0 / 13.0);
        let smooth = depthwise(x, [3, 3], &[a, a, a, a, b, a, a, a, a])?;
        Ok(blend(&per_sample(x, drawn, |d| 1.0 - 2.0 * d[0]), &smooth, x)?.clip(low, high))
    }
}

impl<E: Element> Layer<E> for RandomSharpness {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomSharpness",
        about: "in training, makes every image sharper or softer",
        file: file!(),
        from_config: |config| boxed::<E, RandomSharpness>("RandomSharpness", config),
        sample: |sampler| {
            let layer = RandomSharpness::new(sampler.number(0.0, 1.0)).value_range(-1000.0, 1000.0);
            Sample::new(
                layer,
                [
                    sampler.integer(1, 4),
                    sampler.integer(1, 4),
                    sampler.integer(1, 3),
                ],
            )
        },
    }
}
