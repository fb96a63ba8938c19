//! Images with fewer shades at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, image, named, wide,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::steady;

/// In training every image keeps the upper bits of its shades alone: `[height, width, channels]`, the same shape out. Values are
/// brought from their range to 0 … 255 and cut to whole numbers, of whose 8 bits the upper ones are kept. How many is drawn anew for
/// each image. The steps have no slope: no gradient flows, as in Keras.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomPosterization};
/// let layer = RandomPosterization::new((3.0, 6.0)).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomPosterization::new(9.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomPosterization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many bits are kept, whole numbers from 1 to 8; a range is drawn from without its upper end, a single number is from 1 (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomPosterization {
    /// Keeps so many bits, or fewer.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomPosterization {
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

    fn bits(&self) -> [f64; 2] {
        self.factor.range(Single::UpTo, 1.0)
    }
}

impl Describe for RandomPosterization {
    fn class_name(&self) -> &'static str {
        "RandomPosterization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomPosterization", input)?;
        self.factor
            .check("factor", [1.0, 8.0])
            .and_then(|()| match self.bits().map(f64::fract) {
                [0.0, 0.0] => Ok(()),
                _ => Err("factor is a number of bits, it must be whole".into()),
            })
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomPosterization"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomPosterization {
    /// How many bits are kept.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let [low, high] = self.bits();
        let many = (high - low) as usize;
        vec![
            low + if many > 0 {
                draws.below(0, many) as f64
            } else {
                0.0
            },
        ]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range;
        let of_sample = x.value().len() / drawn.len();
        let values = x.value().to_vec();
        let cut = |(at, x): (usize, &E)| {
            let x = (*x).to_f64();
            let step = steady::powi(2.0, 8 - drawn[at / of_sample][0] as u64);
            let shade = ((x - low) / (high - low) * 255.0).trunc().clamp(0.0, 255.0);
            E::from_f64((shade / step).floor() * step / 255.0 * (high - low) + low)
        };
        let cut: Vec<E> = values.iter().enumerate().map(cut).collect();
        // The slope is 0, and a pass over it finds that out.
        Ok(x.scale(E::zero()).add(&wide(x, x.shape(), cut))?)
    }
}

impl<E: Element> Layer<E> for RandomPosterization {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomPosterization",
        about: "in training, leaves fewer bits of the shades of every image",
        file: file!(),
        from_config: |config| boxed::<E, RandomPosterization>("RandomPosterization", config),
        sample: |sampler| {
            // Values of a gradient check lie between two steps.
            let layer = RandomPosterization::new((1.0, 1.0)).value_range(0.0, 1e6);
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
