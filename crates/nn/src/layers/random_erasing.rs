//! A box of every image painted over at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, image, named, wide,
};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training a box somewhere in an image is painted over: `[height, width, channels]`, the same shape out. Box and whether it
/// is painted are drawn anew for each image (Zhong et al. 2020). As in Keras the probability is itself drawn, from −1 to `factor` if
/// that is a single number: with the default a box is painted in one image of four. No gradient flows into the box.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomErasing};
/// let layer = RandomErasing::new().factor((1.0, 1.0)).fill_value(0.5).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomErasing::new().scale(2.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomErasing {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often, as a range of probabilities in [−1, 1]; a single number is from its negative (default: 1.0).
    #[serde(default = "factor_default")]
    pub factor: Factor,
    /// Part of the image's area that the box has, in [0, 1]; a single number is from 0 (default: 0.02 to 0.33).
    #[serde(default = "area")]
    pub scale: Factor,
    /// What the box is painted with, brought into `value_range` (default: normal noise times the largest value).
    #[serde(default)]
    pub fill_value: Option<Fill>,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomErasing {
    /// Paints over what Keras's defaults say.
    pub fn new() -> Self {
        RandomErasing {
            name: None,
            factor: factor_default(),
            scale: area(),
            fill_value: None,
            value_range: pixels(),
        }
    }

    /// How often, as a range of probabilities in [−1, 1]; a single number is from its negative (default: 1.0).
    pub fn factor(mut self, factor: impl Into<Factor>) -> Self {
        self.factor = factor.into();
        self
    }

    /// Part of the image's area that the box has, in [0, 1]; a single number is from 0 (default: 0.02 to 0.33).
    pub fn scale(mut self, scale: impl Into<Factor>) -> Self {
        self.scale = scale.into();
        self
    }

    /// What the box is painted with, brought into `value_range` (default: normal noise times the largest value).
    pub fn fill_value(mut self, value: impl Into<Fill>) -> Self {
        self.fill_value = Some(value.into());
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

impl Default for RandomErasing {
    fn default() -> Self {
        Self::new()
    }
}

/// What is painted: one value, or one for each of three channels. JSON has `0.5` or `[0.1, 0.2, 0.3]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number or three of them, such as 0.5 or [0.1, 0.2, 0.3]"
)]
pub enum Fill {
    /// The same everywhere.
    One(f64),
    /// Of each channel.
    Channels([f64; 3]),
}

impl From<f64> for Fill {
    fn from(value: f64) -> Self {
        Fill::One(value)
    }
}

impl From<[f64; 3]> for Fill {
    fn from(values: [f64; 3]) -> Self {
        Fill::Channels(values)
    }
}

impl Fill {
    fn values(self) -> impl Iterator<Item = f64> {
        match self {
            Fill::One(value) => vec![value].into_iter(),
            Fill::Channels(values) => Vec::from(values).into_iter(),
        }
    }

    fn check(self, channels: usize) -> Result<(), String> {
        for value in self.values() {
            setting::finite_in::<f32>("fill_value", value)?;
        }
        match self {
            Fill::Channels(_) if channels != 3 => Err(format!(
                "fill_value has 3 values, the images have {channels} channels"
            )),
            _ => Ok(()),
        }
    }
}

impl Describe for RandomErasing {
    fn class_name(&self) -> &'static str {
        "RandomErasing"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [_, _, channels] = image("RandomErasing", input)?;
        self.factor
            .check("factor", [-1.0, 1.0])
            .and_then(|()| self.scale.check("scale", [0.0, 1.0]))
            .and_then(|()| self.fill_value.map_or(Ok(()), |fill| fill.check(channels)))
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomErasing"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomErasing {
    /// Whether, the box (first and last row, first and last column; the last ones are not in it), and what is painted.
    fn draw(&self, draws: &Draws, input: &[usize]) -> Vec<f64> {
        let part = self.scale.range(Single::UpTo, 0.0);
        let [low, high] = self.value_range;
        let side = |which: usize, length: usize| {
            let length = length as f64;
            let part = draws.uniform(which, part).sqrt() * length;
            let first = draws.uniform(which + 2, [0.0, 1.0]) * (length - part);
            [first, first + part]
        };
        let mut drawn = vec![draws.happens(4, self.factor.range(Single::Around, -1.0))];
        drawn.extend(side(1, input[0]));
        drawn.extend(side(0, input[1]));
        match self.fill_value {
            None => drawn.extend(
                draws
                    .normal(input.iter().product())
                    .map(|z| (z * high).clamp(low, high)),
            ),
            Some(fill) => drawn.extend(fill.values().map(|value| value.clamp(low, high))),
        }
        drawn
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let &[n, height, width, channels] = x.shape() else {
            return Err(Error::layer("RandomErasing", "the input is no image"));
        };
        let places = n * height * width;
        let (mut keep, mut paint) = (vec![E::one(); places], vec![E::zero(); places * channels]);
        for place in 0..places {
            let drawn = &drawn[place / (height * width)];
            let (row, column) = ((place / width % height) as f64, (place % width) as f64);
            let is_in =
                drawn[1] <= row && row < drawn[2] && drawn[3] <= column && column < drawn[4];
            if drawn[0] > 0.0 && is_in {
                keep[place] = E::zero();
                for channel in 0..channels {
                    let with = &drawn[5..];
                    let at = place % (height * width) * channels + channel;
                    // One value for all, one a channel, or one a value.
                    let value = with[if with.len() <= 3 {
                        channel % with.len()
                    } else {
                        at % with.len()
                    }];
                    paint[place * channels + channel] = E::from_f64(value);
                }
            }
        }
        let keep = wide(x, [n, height, width, 1], keep);
        let paint = wide(x, [n, height, width, channels], paint);
        Ok(x.mul(&keep)?.add(&paint)?)
    }
}

impl<E: Element> Layer<E> for RandomErasing {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn factor_default() -> Factor {
    Factor::One(1.0)
}

fn area() -> Factor {
    Factor::Between(0.02, 0.33)
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomErasing",
        about: "in training, paints a random box of some images over",
        file: file!(),
        from_config: |config| boxed::<E, RandomErasing>("RandomErasing", config),
        sample: |sampler| {
            let mut layer = RandomErasing::new()
                .factor((0.0, 1.0))
                .scale((0.1, sampler.number(0.2, 1.0)));
            if sampler.coin() {
                layer = layer
                    .fill_value(sampler.number(0.0, 1.0))
                    .value_range(0.0, 1.0);
            }
            Sample::new(
                layer,
                (0..3).map(|_| sampler.integer(1, 4)).collect::<Vec<_>>(),
            )
        },
    }
}
