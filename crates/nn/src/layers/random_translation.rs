//! Images shifted at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, Factor, Single, augment, image, moved, named, words};
use crate::{AtInference, Context, Describe, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};

/// In training every image is shifted: `[height, width, channels]`, the same shape out. By how much is drawn anew for each image,
/// as parts of its height and width; a positive number shifts down or to the right.
///
/// The gradient flows back through the reading of pixels.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomTranslation};
/// let layer = RandomTranslation::new(0.1, (-0.2, 0.2));
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomTranslation::new(1.5, 0.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomTranslation {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far up or down, as a part of the height in [−1, 1]; a single number is as far up as down (no default).
    pub height_factor: Factor,
    /// How far to the left or right, as a part of the width in [−1, 1]; a single number is both ways (no default).
    pub width_factor: Factor,
    /// What lies beyond the edges (default: reflect).
    #[serde(default, with = "words::fill_mode")]
    pub fill_mode: FillMode,
    /// What lies between pixels (default: bilinear).
    #[serde(default, with = "words::interpolation")]
    pub interpolation: Interpolation,
    /// What lies beyond the edges in mode `constant` (default: 0).
    #[serde(default)]
    pub fill_value: f64,
}

impl RandomTranslation {
    /// Shifts by these parts of height and width.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> Self {
        RandomTranslation {
            name: None,
            height_factor: height_factor.into(),
            width_factor: width_factor.into(),
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
        }
    }

    /// What lies beyond the edges (default: reflect).
    pub fn fill_mode(mut self, fill_mode: FillMode) -> Self {
        self.fill_mode = fill_mode;
        self
    }

    /// What lies between pixels (default: bilinear).
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// What lies beyond the edges in mode `constant` (default: 0).
    pub fn fill_value(mut self, fill_value: f64) -> Self {
        self.fill_value = fill_value;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for RandomTranslation {
    fn class_name(&self) -> &'static str {
        "RandomTranslation"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomTranslation", input)?;
        let bounds = [-1.0, 1.0];
        self.height_factor
            .check("height_factor", bounds)
            .and_then(|()| self.width_factor.check("width_factor", bounds))
            .and_then(|()| setting::finite_in::<f32>("fill_value", self.fill_value))
            .map_err(named("RandomTranslation"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomTranslation {
    /// Pixels down, pixels to the right.
    fn draw(&self, draws: &Draws, input: &[usize]) -> Vec<f64> {
        let part = |which, factor: Factor| draws.uniform(which, factor.range(Single::Around, -1.0));
        let (down, right) = (part(0, self.height_factor), part(1, self.width_factor));
        vec![down * input[0] as f64, right * input[1] as f64]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let matrix = |d: &Vec<f64>| [1.0, 0.0, -d[1], 0.0, 1.0, -d[0]];
        let matrices: Vec<_> = drawn.iter().map(matrix).collect();
        moved(
            x,
            &matrices,
            self.interpolation,
            (self.fill_mode, self.fill_value),
        )
    }
}

impl<E: Element> Layer<E> for RandomTranslation {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomTranslation",
        about: "in training, shifts every image by a random part of its size",
        file: file!(),
        from_config: |config| boxed::<E, RandomTranslation>("RandomTranslation", config),
        sample: |sampler| {
            const MODES: [FillMode; 4] = [
                FillMode::Constant,
                FillMode::Nearest,
                FillMode::Reflect,
                FillMode::Wrap,
            ];
            let mut layer = RandomTranslation::new(
                sampler.number(0.0, 1.0),
                (sampler.number(-1.0, 0.0), sampler.number(0.0, 1.0)),
            );
            layer = layer
                .fill_mode(MODES[sampler.integer(0, 3)])
                .fill_value(sampler.number(-1.0, 1.0));
            if sampler.coin() {
                layer = layer.interpolation(Interpolation::Nearest);
            }
            Sample::new(
                layer,
                (0..3).map(|_| sampler.integer(1, 4)).collect::<Vec<_>>(),
            )
        },
    }
}
