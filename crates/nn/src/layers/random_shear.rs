//! Images pushed askew at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, Factor, Single, augment, image, moved, named, words};
use crate::{AtInference, Context, Describe, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};

/// In training every image is pushed askew: `[height, width, channels]`, the same shape out. Each row is read further to the right
/// than the one above by a factor, each column further down by another; both are drawn anew for each image, and half of the time
/// turned around together, as in Keras.
///
/// The gradient flows back through the reading of pixels.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomShear};
/// let layer = RandomShear::new().x_factor(0.2);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomShear::new().y_factor(-0.2).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomShear {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far a row is moved against the next, in [0, 1]; a single number is as far either way (default: 0.0).
    #[serde(default = "x_factor_default")]
    pub x_factor: Factor,
    /// How far a column is moved against the next, in [0, 1]; a single number is as far either way (default: 0.0).
    #[serde(default = "y_factor_default")]
    pub y_factor: Factor,
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

impl RandomShear {
    /// Shears nothing until it is told how much.
    pub fn new() -> Self {
        RandomShear {
            name: None,
            x_factor: x_factor_default(),
            y_factor: y_factor_default(),
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
        }
    }

    /// How far a row is moved against the next, in [0, 1]; a single number is as far either way (default: 0.0).
    pub fn x_factor(mut self, x_factor: impl Into<Factor>) -> Self {
        self.x_factor = x_factor.into();
        self
    }

    /// How far a column is moved against the next, in [0, 1]; a single number is as far either way (default: 0.0).
    pub fn y_factor(mut self, y_factor: impl Into<Factor>) -> Self {
        self.y_factor = y_factor.into();
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

impl Default for RandomShear {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for RandomShear {
    fn class_name(&self) -> &'static str {
        "RandomShear"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomShear", input)?;
        let bounds = [0.0, 1.0];
        self.x_factor
            .check("x_factor", bounds)
            .and_then(|()| self.y_factor.check("y_factor", bounds))
            .and_then(|()| setting::finite_in::<f32>("fill_value", self.fill_value))
            .map_err(named("RandomShear"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomShear {
    /// Along x, along y.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let way = if draws.uniform(0, [0.0, 1.0]) > 0.5 {
            -1.0
        } else {
            1.0
        };
        let part = |which, factor: Factor| draws.uniform(which, factor.range(Single::Around, -1.0));
        vec![way * part(2, self.x_factor), way * part(1, self.y_factor)]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let matrix = |d: &Vec<f64>| [1.0, d[0], 0.0, d[1], 1.0, 0.0];
        let matrices: Vec<_> = drawn.iter().map(matrix).collect();
        moved(
            x,
            &matrices,
            self.interpolation,
            (self.fill_mode, self.fill_value),
        )
    }
}

impl<E: Element> Layer<E> for RandomShear {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn x_factor_default() -> Factor {
    Factor::One(0.0)
}

fn y_factor_default() -> Factor {
    Factor::One(0.0)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomShear",
        about: "in training, pushes every image askew",
        file: file!(),
        from_config: |config| boxed::<E, RandomShear>("RandomShear", config),
        sample: |sampler| {
            const MODES: [FillMode; 4] = [
                FillMode::Constant,
                FillMode::Nearest,
                FillMode::Reflect,
                FillMode::Wrap,
            ];
            let mut layer = RandomShear::new()
                .x_factor(sampler.number(0.0, 1.0))
                .y_factor((0.0, sampler.number(0.0, 1.0)));
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
