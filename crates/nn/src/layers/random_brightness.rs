//! Images made brighter or darker at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, image, named, per_sample,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training every image becomes brighter or darker: `[height, width, channels]`, the same shape out. A part of the range of
/// values, drawn anew for each image, is added to all of them, and what leaves the range is brought back to its end.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomBrightness};
/// let layer = RandomBrightness::new(0.2).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomBrightness::new(2.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomBrightness {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much is added, as a part of the range in [−1, 1]; a single number is as much less as more (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomBrightness {
    /// Adds up to this part of the range.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomBrightness {
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

impl Describe for RandomBrightness {
    fn class_name(&self) -> &'static str {
        "RandomBrightness"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomBrightness", input)?;
        self.factor
            .check("factor", [-1.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomBrightness"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomBrightness {
    /// What is added.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let [low, high] = self.value_range;
        vec![(high - low) * draws.uniform(0, self.factor.range(Single::Around, -1.0))]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range.map(E::from_f64);
        Ok(x.add(&per_sample(x, drawn, |d| d[0]))?.clip(low, high))
    }
}

impl<E: Element> Layer<E> for RandomBrightness {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomBrightness",
        about: "in training, makes every image brighter or darker",
        file: file!(),
        from_config: |config| boxed::<E, RandomBrightness>("RandomBrightness", config),
        sample: |sampler| {
            let layer =
                RandomBrightness::new(sampler.number(0.0, 1.0)).value_range(-1000.0, 1000.0);
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
