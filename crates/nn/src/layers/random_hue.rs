//! The colours of images turned around the circle of hues at random.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, colours, named, per_sample, wide,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training the colours of every image are turned around the circle of hues: `[height, width, 3]`, the same shape out. By how
/// much is drawn anew for each image, in half turns either way. Values are brought from their range to 0 … 1, their hue (in HSV) is
/// changed, and they are brought back. The gradient flows (Keras's does not on TensorFlow, which has none of this).
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomHue};
/// let layer = RandomHue::new(0.1).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[32, 32, 3])?, [32, 32, 3]);
/// assert!(layer.output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomHue {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far, in half turns in [0, 1]; a single number is from 0 (no default).
    pub factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomHue {
    /// As far as this at most.
    pub fn new(factor: impl Into<Factor>) -> Self {
        RandomHue {
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

impl Describe for RandomHue {
    fn class_name(&self) -> &'static str {
        "RandomHue"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        colours("RandomHue", input)?;
        self.factor
            .check("factor", [0.0, 1.0])
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomHue"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomHue {
    /// Turns.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let way = if draws.uniform(0, [0.0, 1.0]) > 0.5 {
            -0.5
        } else {
            0.5
        };
        vec![way * draws.uniform(1, self.factor.range(Single::UpTo, 0.0))]
    }

    /// With the largest channel V and the smallest m, a channel is m + (V − m)·d(hue), where d is a trapezoid around the circle.
    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range;
        let scale = high - low;
        let x = &x.shift(E::from_f64(-low)).scale(E::from_f64(1.0 / scale));
        let value = x.max_axes(&[3], true)?;
        let smallest = x.neg().max_axes(&[3], true)?.neg();
        let range = value.sub(&smallest)?;
        let hue = hue(x, &range)?.add(&per_sample(x, drawn, |d| 6.0 * d[0]))?;
        // Back onto the circle of six; which turn it is on does not change the slope.
        let turns = hue.value().map(|h| {
            let (six, zero) = (E::from_f64(6.0), E::zero());
            if h > six {
                -six
            } else if h < zero {
                six
            } else {
                zero
            }
        });
        let hue = hue.add(&x.tape().constant(&turns))?;
        let (zero, one) = (E::zero(), E::one());
        // |h − 3| − 1, 2 − |h − 2|, 2 − |h − 4|
        let red = hue.shift(E::from_f64(-3.0)).abs().shift(-one);
        let side = |middle: f64| {
            hue.shift(E::from_f64(-middle))
                .abs()
                .neg()
                .shift(E::from_f64(2.0))
        };
        let shares = Var::concat(&[&red, &side(2.0), &side(4.0)], 3)?.clip(zero, one);
        let y = range.mul(&shares)?.add(&smallest)?.clip(zero, one);
        Ok(y.scale(E::from_f64(scale)).shift(E::from_f64(low)))
    }
}

impl<E: Element> Layer<E> for RandomHue {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

/// The hue of every pixel on a circle of six, 0 where it is grey: `[n, h, w, 1]`. Which channel is the largest does not change
/// with a small change of the values.
fn hue<E: Element>(x: &Var<E>, range: &Var<E>) -> Result<Var<E>> {
    let zero = E::zero();
    let pixels = x.value().to_vec();
    // Of each channel how it counts in the numerator, and the place of the largest on the circle.
    let (mut signs, mut places) = (Vec::with_capacity(pixels.len()), Vec::new());
    for rgb in pixels.chunks_exact(3) {
        let (one, minus) = (E::one(), -E::one());
        let largest = rgb[0].max(rgb[1]).max(rgb[2]);
        let (sign, place) = if rgb[0] == largest {
            // Magenta to red lies at the end of the circle.
            let place = if rgb[1] < rgb[2] { 6.0 } else { 0.0 };
            ([zero, one, minus], place)
        } else if rgb[1] == largest {
            ([minus, zero, one], 2.0)
        } else {
            ([one, minus, zero], 4.0)
        };
        let is_grey = rgb[0] == rgb[1] && rgb[1] == rgb[2];
        signs.extend(if is_grey { [zero; 3] } else { sign });
        places.push(E::from_f64(if is_grey { 0.0 } else { place }));
    }
    let mut shape = x.shape().to_vec();
    let signs = wide(x, shape.clone(), signs);
    shape[3] = 1;
    let places = wide(x, shape, places);
    let numerator = x.mul(&signs)?.sum_axes(&[3], true)?;
    let range = range.clip(E::from_f64(1e-30), E::infinity());
    Ok(numerator.div(&range)?.add(&places)?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomHue",
        about: "in training, turns the colours of every image around the circle of hues",
        file: file!(),
        from_config: |config| boxed::<E, RandomHue>("RandomHue", config),
        sample: |sampler| {
            let layer = RandomHue::new(sampler.number(0.0, 1.0)).value_range(-1000.0, 1000.0);
            Sample::new(layer, [sampler.integer(1, 4), sampler.integer(1, 4), 3])
        },
    }
}
