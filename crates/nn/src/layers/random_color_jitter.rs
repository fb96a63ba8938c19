//! Brightness, contrast, saturation and hue changed at random.

use super::{RandomBrightness, RandomContrast, RandomHue, RandomSaturation};
use super::{Row, Sample, boxed};
use crate::preparation::{Factor, augment, check_range, image, named};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training [`RandomBrightness`](crate::layers::RandomBrightness), [`RandomContrast`](crate::layers::RandomContrast),
/// [`RandomSaturation`](crate::layers::RandomSaturation) and [`RandomHue`](crate::layers::RandomHue), in this order, those of them
/// that have a factor: `[height, width, channels]`, the same shape out. The last two want three channels.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomColorJitter};
/// let layer = RandomColorJitter::new().value_range(0.0, 1.0).brightness_factor(0.2).hue_factor(0.1);
/// assert_eq!(layer.output_shape(&[32, 32, 3])?, [32, 32, 3]);
/// assert!(layer.output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomColorJitter {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
    /// That of `RandomBrightness` (default: not at all).
    #[serde(default)]
    pub brightness_factor: Option<Factor>,
    /// That of `RandomContrast` (default: not at all).
    #[serde(default)]
    pub contrast_factor: Option<Factor>,
    /// That of `RandomSaturation` (default: not at all).
    #[serde(default)]
    pub saturation_factor: Option<Factor>,
    /// That of `RandomHue` (default: not at all).
    #[serde(default)]
    pub hue_factor: Option<Factor>,
}

impl RandomColorJitter {
    /// Changes nothing until it is told what.
    pub fn new() -> Self {
        RandomColorJitter {
            name: None,
            value_range: pixels(),
            brightness_factor: None,
            contrast_factor: None,
            saturation_factor: None,
            hue_factor: None,
        }
    }

    /// The smallest and the largest value of a pixel (default: 0 and 255).
    pub fn value_range(mut self, smallest: f64, largest: f64) -> Self {
        self.value_range = [smallest, largest];
        self
    }

    /// That of `RandomBrightness` (default: not at all).
    pub fn brightness_factor(mut self, brightness_factor: impl Into<Factor>) -> Self {
        self.brightness_factor = Some(brightness_factor.into());
        self
    }

    /// That of `RandomContrast` (default: not at all).
    pub fn contrast_factor(mut self, contrast_factor: impl Into<Factor>) -> Self {
        self.contrast_factor = Some(contrast_factor.into());
        self
    }

    /// That of `RandomSaturation` (default: not at all).
    pub fn saturation_factor(mut self, saturation_factor: impl Into<Factor>) -> Self {
        self.saturation_factor = Some(saturation_factor.into());
        self
    }

    /// That of `RandomHue` (default: not at all).
    pub fn hue_factor(mut self, hue_factor: impl Into<Factor>) -> Self {
        self.hue_factor = Some(hue_factor.into());
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn brightness(&self) -> Option<RandomBrightness> {
        let [low, high] = self.value_range;
        let part = RandomBrightness::new(self.brightness_factor?);
        Some(part.value_range(low, high))
    }

    fn contrast(&self) -> Option<RandomContrast> {
        let [low, high] = self.value_range;
        Some(RandomContrast::new(self.contrast_factor?).value_range(low, high))
    }

    fn saturation(&self) -> Option<RandomSaturation> {
        let [low, high] = self.value_range;
        let part = RandomSaturation::new(self.saturation_factor?);
        Some(part.value_range(low, high))
    }

    fn hue(&self) -> Option<RandomHue> {
        let [low, high] = self.value_range;
        Some(RandomHue::new(self.hue_factor?).value_range(low, high))
    }
}

impl Default for RandomColorJitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for RandomColorJitter {
    fn class_name(&self) -> &'static str {
        "RandomColorJitter"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomColorJitter", input)?;
        check_range("value_range", self.value_range).map_err(named("RandomColorJitter"))?;
        let check = |name: &str, part: Result<Vec<usize>>| match part {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::layer(
                "RandomColorJitter",
                format!("{name}: {error}"),
            )),
        };
        if let Some(part) = self.brightness() {
            check("brightness_factor", part.output_shape(input))?;
        }
        if let Some(part) = self.contrast() {
            check("contrast_factor", part.output_shape(input))?;
        }
        if let Some(part) = self.saturation() {
            check("saturation_factor", part.output_shape(input))?;
        }
        if let Some(part) = self.hue() {
            check("hue_factor", part.output_shape(input))?;
        }
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for RandomColorJitter {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let mut y = x.clone();
        if let Some(part) = self.brightness() {
            y = augment(&part, &y, context)?;
        }
        if let Some(part) = self.contrast() {
            y = augment(&part, &y, context)?;
        }
        if let Some(part) = self.saturation() {
            y = augment(&part, &y, context)?;
        }
        if let Some(part) = self.hue() {
            y = augment(&part, &y, context)?;
        }
        Ok(y)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomColorJitter",
        about: "in training, changes brightness, contrast, saturation and hue of every image",
        file: file!(),
        from_config: |config| boxed::<E, RandomColorJitter>("RandomColorJitter", config),
        sample: |sampler| {
            let mut layer = RandomColorJitter::new()
                .value_range(-1000.0, 1000.0)
                .brightness_factor(0.2);
            if sampler.coin() {
                layer = layer.contrast_factor((0.2, 0.5)).hue_factor(0.3);
            }
            Sample::new(layer, [sampler.integer(1, 3), sampler.integer(1, 3), 3])
        },
    }
}
