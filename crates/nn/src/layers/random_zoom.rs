//! Images made larger or smaller at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, Factor, Single, augment, image, moved, named, words};
use crate::{AtInference, Context, Describe, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};

/// In training every image is made larger or smaller around its middle: `[height, width, channels]`, the same shape out. By how
/// much is drawn anew for each image: as in Keras a positive number shows more than there is (smaller things), a negative one less
/// (larger things), and 1 + factor is how many pixels are passed over at each step.
///
/// The gradient flows back through the reading of pixels.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomZoom};
/// let layer = RandomZoom::new(0.2).width_factor((0.0, 0.1));
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomZoom::new((-1.0, 0.0)).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomZoom {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much more of the height is shown, as a part of it in (−1, 1]; a single number is as much more as less (no default).
    pub height_factor: Factor,
    /// The same of the width (default: that of the height, the same draw).
    #[serde(default)]
    pub width_factor: Option<Factor>,
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

impl RandomZoom {
    /// Zooms by up to this part.
    pub fn new(height_factor: impl Into<Factor>) -> Self {
        RandomZoom {
            name: None,
            height_factor: height_factor.into(),
            width_factor: None,
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
        }
    }

    /// The same of the width (default: that of the height, the same draw).
    pub fn width_factor(mut self, width_factor: impl Into<Factor>) -> Self {
        self.width_factor = Some(width_factor.into());
        self
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

impl Describe for RandomZoom {
    fn class_name(&self) -> &'static str {
        "RandomZoom"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomZoom", input)?;
        let bounds = [-1.0 + f64::EPSILON, 1.0];
        let width = self.width_factor.unwrap_or(Factor::One(0.0));
        self.height_factor
            .check("height_factor", bounds)
            .and_then(|()| width.check("width_factor", bounds))
            .and_then(|()| setting::finite_in::<f32>("fill_value", self.fill_value))
            .map_err(named("RandomZoom"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomZoom {
    /// Steps down, steps to the right.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let step = |which, factor: Factor| {
            let [low, high] = factor.range(Single::Around, -1.0);
            draws.uniform(which, [1.0 + low, 1.0 + high])
        };
        let down = step(0, self.height_factor);
        vec![
            down,
            self.width_factor.map_or(down, |factor| step(1, factor)),
        ]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let middle = |sides: usize| 0.5 * (sides as f64 - 1.0);
        let (rows, columns) = (middle(x.shape()[1]), middle(x.shape()[2]));
        let matrix = |d: &Vec<f64>| {
            [
                d[1],
                0.0,
                columns * (1.0 - d[1]),
                0.0,
                d[0],
                rows * (1.0 - d[0]),
            ]
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

impl<E: Element> Layer<E> for RandomZoom {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomZoom",
        about: "in training, makes every image larger or smaller",
        file: file!(),
        from_config: |config| boxed::<E, RandomZoom>("RandomZoom", config),
        sample: |sampler| {
            const MODES: [FillMode; 4] = [
                FillMode::Constant,
                FillMode::Nearest,
                FillMode::Reflect,
                FillMode::Wrap,
            ];
            let mut layer = RandomZoom::new(sampler.number(0.0, 0.9));
            layer = layer
                .fill_mode(MODES[sampler.integer(0, 3)])
                .fill_value(sampler.number(-1.0, 1.0));
            if sampler.coin() {
                layer = layer.interpolation(Interpolation::Nearest);
            }
            if sampler.coin() {
                layer = layer.width_factor((-0.5, 0.5));
            }
            Sample::new(
                layer,
                (0..3).map(|_| sampler.integer(1, 4)).collect::<Vec<_>>(),
            )
        },
    }
}
