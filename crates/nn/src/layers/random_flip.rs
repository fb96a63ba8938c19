//! Images mirrored at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, augment, image, moved};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};

/// In training half of the images, drawn one by one, are mirrored: `[height, width, channels]`, the same shape out. With both
/// directions an image is mirrored in both or not at all, as in Keras.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Context, Layer, Seed, layers::{Flip, RandomFlip}};
/// use taper_autograd::Tape;
/// use taper_tensor::Tensor;
/// let x = Tensor::from_vec([1, 1, 2, 1], vec![1.0f32, 2.0])?;
/// let flip = |step| -> Result<Vec<f32>, taper_nn::Error> {
///     let x = Tape::new().constant(&x);
///     let layer = RandomFlip::new().mode(Flip::Horizontal);
///     Ok(layer.forward(&x, &[], &mut Context::training(Seed(1), step))?.value().to_vec())
/// };
/// let steps = (0..100).map(flip).collect::<Result<Vec<_>, _>>()?;
/// let mirrored = steps.iter().filter(|y| **y == [2.0, 1.0]).count();
/// assert!((30..70).contains(&mirrored) && steps.iter().all(|y| y.len() == 2));
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomFlip {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which directions (default: horizontal and vertical).
    #[serde(default)]
    pub mode: Flip,
}

impl RandomFlip {
    /// Mirrors half of the images in both directions.
    pub fn new() -> Self {
        RandomFlip {
            name: None,
            mode: Flip::default(),
        }
    }

    /// Which directions (default: horizontal and vertical).
    pub fn mode(mut self, mode: Flip) -> Self {
        self.mode = mode;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Default for RandomFlip {
    fn default() -> Self {
        Self::new()
    }
}

/// In which directions images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flip {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Both, together.
    #[default]
    HorizontalAndVertical,
}

impl Describe for RandomFlip {
    fn class_name(&self) -> &'static str {
        "RandomFlip"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("RandomFlip", input)?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomFlip {
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        vec![f64::from(draws.uniform(0, [0.0, 1.0]) <= 0.5)]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let (last_row, last_column) = (x.shape()[1] as f64 - 1.0, x.shape()[2] as f64 - 1.0);
        let (horizontal, vertical) = match self.mode {
            Flip::Horizontal => (true, false),
            Flip::Vertical => (false, true),
            Flip::HorizontalAndVertical => (true, true),
        };
        let way = |flips: bool, last: f64| if flips { (-1.0, last) } else { (1.0, 0.0) };
        let matrix = |drawn: &Vec<f64>| {
            let flips = drawn[0] > 0.0;
            let (a, c) = way(flips && horizontal, last_column);
            let (e, f) = way(flips && vertical, last_row);
            [a, 0.0, c, 0.0, e, f]
        };
        let matrices: Vec<_> = drawn.iter().map(matrix).collect();
        moved(
            x,
            &matrices,
            Interpolation::Nearest,
            (FillMode::Nearest, 0.0),
        )
    }
}

impl<E: Element> Layer<E> for RandomFlip {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomFlip",
        about: "in training, mirrors half of the images",
        file: file!(),
        from_config: |config| boxed::<E, RandomFlip>("RandomFlip", config),
        sample: |sampler| {
            const MODES: [Flip; 3] = [
                Flip::Horizontal,
                Flip::Vertical,
                Flip::HorizontalAndVertical,
            ];
            let layer = RandomFlip::new().mode(MODES[sampler.integer(0, 2)]);
            Sample::new(
                layer,
                (0..3).map(|_| sampler.integer(1, 4)).collect::<Vec<_>>(),
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_keras() {
        let layer = RandomFlip::new().mode(Flip::Vertical);
        assert_eq!(layer.config(), serde_json::json!({"mode": "vertical"}));
        let default: RandomFlip = serde_json::from_str("{}").unwrap();
        assert_eq!(default.mode, Flip::HorizontalAndVertical);
        assert!(serde_json::from_str::<RandomFlip>(r#"{"mode": "diagonal"}"#).is_err());
        assert!(
            layer
                .output_shape(&[3, 3])
                .unwrap_err()
                .to_string()
                .contains("image")
        );
    }
}
