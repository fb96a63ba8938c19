//! Images turned into their negatives at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, choose, image, named, per_sample,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training some images become their negatives, the largest value of the range less each of theirs: `[height, width,
/// channels]`, the same shape out. As in Keras the probability is itself drawn, from 0 to `factor` if that is a single number: with
/// the default every other image is inverted.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomInvert};
/// let layer = RandomInvert::new().value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomInvert::new().factor(1.5).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomInvert {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often, as a range of probabilities in [0, 1]; a single number is from 0 (default: 1.0).
    #[serde(default = "factor_default")]
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomInvert {
    /// Inverts every other image.
    pub fn new() -> Self {
        RandomInvert {
            name: None,
            factor: factor_default(),
            value_range: pixels(),
        }
    }

    /// How often, as a range of probabilities in [0, 1]; a single number is from 0 (default: 1.0).
    pub fn factor(mut self, factor: impl Into<Factor>) -> Self {
        self.factor = factor.into();
        self
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

impl Default for RandomInvert {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for RandomInvert {
    fn class_name(&self) -> &'static str {
        "RandomInvert"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomInvert", input)?;
        self.factor
            .check("factor", [0.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomInvert"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomInvert {
    /// Whether.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        vec![draws.happens(0, self.factor.range(Single::UpTo, 0.0))]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let high = E::from_f64(self.value_range[1]);
        choose(&per_sample(x, drawn, |d| d[0]), &x.neg().shift(high), x)
    }
}

impl<E: Element> Layer<E> for RandomInvert {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn factor_default() -> Factor {
    Factor::One(1.0)
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomInvert",
        about: "in training, turns some images into their negatives",
        file: file!(),
        from_config: |config| boxed::<E, RandomInvert>("RandomInvert", config),
        sample: |sampler| {
            let layer = RandomInvert::new()
                .factor(sampler.number(0.0, 1.0))
                .value_range(0.0, 1.0);
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
