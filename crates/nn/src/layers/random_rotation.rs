//! Images turned at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, Factor, Single, augment, image, moved, named, words};
use crate::{AtInference, Context, Describe, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};
use taper_tensor::steady::sin_cos_of_half_turns;

/// In training every image is turned around its middle: `[height, width, channels]`, the same shape out. The angle is drawn anew
/// for each image, as a part of a full turn; a positive one turns counter-clockwise.
///
/// The gradient flows back through the reading of pixels.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomRotation};
/// let layer = RandomRotation::new(0.1); // up to 36° either way
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomRotation::new(90.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far, as a part of 360° in [−1, 1]; a single number is as far to the left as to the right (no default).
    pub factor: Factor,
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

impl RandomRotation {
    /// Turns by up to this part of a full turn.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomRotation {
            name: None,
            factor: factor.into(),
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

impl Describe for RandomRotation {
    fn class_name(&self) -> &'static str {
        "RandomRotation"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomRotation", input)?;
        self.factor
            .check("factor", [-1.0, 1.0])
            .and_then(|()| setting::finite_in::<f32>("fill_value", self.fill_value))
            .map_err(named("RandomRotation"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomRotation {
    /// The angle, in degrees.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        vec![360.0 * draws.uniform(0, self.factor.range(Single::Around, -1.0))]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let middle = |sides: usize| 0.5 * (sides as f64 - 1.0);
        let (y, x_) = (middle(x.shape()[1]), middle(x.shape()[2]));
        let matrix = |drawn: &Vec<f64>| {
            let (sine, cosine) = sin_cos_of_half_turns(drawn[0] / 180.0);
            let c = x_ - x_ * cosine + y * sine;
            let f = y - x_ * sine - y * cosine;
            [cosine, -sine, c, sine, cosine, f]
        };
        let matrices: Vec<_> = drawn.iter().map(matrix).collect();
        moved(
            x,
            &matrices,
            self.interpolation,
            (self.fill_mode, self.fill_value),
        )
    }
}

impl<E: Element> Layer<E> for RandomRotation {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomRotation",
        about: "in training, turns every image by a random part of a full turn",
        file: file!(),
        from_config: |config| boxed::<E, RandomRotation>("RandomRotation", config),
        sample: |sampler| {
            const MODES: [FillMode; 4] = [
                FillMode::Constant,
                FillMode::Nearest,
                FillMode::Reflect,
                FillMode::Wrap,
            ];
            let mut layer = RandomRotation::new(sampler.number(0.0, 1.0));
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
