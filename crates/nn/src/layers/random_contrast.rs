//! The contrast of images changed at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, blend, check_range, image, named, per_sample,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training the contrast of every image changes: `[height, width, channels]`, the same shape out. In each channel, what a
/// pixel is away from the mean of the image grows by a factor between 1 − lower and 1 + upper, drawn anew for each image, and what
/// leaves the range is brought back to its end. As in Keras, a single number leaves the lower part at 0: contrast only grows.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomContrast};
/// let layer = RandomContrast::new((0.2, 0.2)).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomContrast::new(-0.2).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomContrast {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much less and how much more contrast, each in [0, 1]; a single number is how much more (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomContrast {
    /// Changes the contrast by up to this part.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomContrast {
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

impl Describe for RandomContrast {
    fn class_name(&self) -> &'static str {
        "RandomContrast"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomContrast", input)?;
        self.factor
            .check("factor", [0.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomContrast"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomContrast {
    /// The factor.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let [low, high] = self.factor.range(Single::UpTo, 0.0);
        vec![draws.uniform(0, [1.0 - low, 1.0 + high])]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range.map(E::from_f64);
        let mean = x.mean_axes(&[1, 2], true)?;
        Ok(blend(&per_sample(x, drawn, |d| d[0]), x, &mean)?.clip(low, high))
    }
}

impl<E: Element> Layer<E> for RandomContrast {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomContrast",
        about: "in training, changes the contrast of every image",
        file: file!(),
        from_config: |config| boxed::<E, RandomContrast>("RandomContrast", config),
        sample: |sampler| {
            let layer = RandomContrast::new((sampler.number(0.0, 1.0), sampler.number(0.0, 1.0)))
                .value_range(-1000.0, 1000.0);
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
