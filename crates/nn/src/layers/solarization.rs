//! Images whose bright places are inverted, as in a darkroom.

use super::{Row, Sample, boxed};
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, choose, image, named, per_sample, wide,
};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training what is bright becomes dark: `[height, width, channels]`, the same shape out. Values are brought from their range
/// to 0 … 255; something is added, and what is then not below a threshold is taken from 255. Both are drawn anew for each image. As
/// in Keras, of a range the upper end alone is multiplied by 255.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::Solarization};
/// let layer = Solarization::new().threshold_factor((0.2, 0.5)).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(Solarization::new().addition_factor(2.0).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solarization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much is added, as a part of 255 in [0, 1]; a single number is from 0 (default: 0.0).
    #[serde(default = "addition_factor_default")]
    pub addition_factor: Factor,
    /// Where the threshold is, as a part of 255 in [0, 1]; a single number is from 0 (default: 0.0).
    #[serde(default = "threshold_factor_default")]
    pub threshold_factor: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl Solarization {
    /// Inverts everything, as Keras's defaults do.
    pub fn new() -> Self {
        Solarization {
            name: None,
            addition_factor: addition_factor_default(),
            threshold_factor: threshold_factor_default(),
            value_range: pixels(),
        }
    }

    /// How much is added, as a part of 255 in [0, 1]; a single number is from 0 (default: 0.0).
    pub fn addition_factor(mut self, addition_factor: impl Into<Factor>) -> Self {
        self.addition_factor = addition_factor.into();
        self
    }

    /// Where the threshold is, as a part of 255 in [0, 1]; a single number is from 0 (default: 0.0).
    pub fn threshold_factor(mut self, threshold_factor: impl Into<Factor>) -> Self {
        self.threshold_factor = threshold_factor.into();
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

impl Default for Solarization {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for Solarization {
    fn class_name(&self) -> &'static str {
        "Solarization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image("Solarization", input)?;
        self.addition_factor
            .check("addition_factor", [0.0, 1.0])
            .and_then(|()| self.threshold_factor.check("threshold_factor", [0.0, 1.0]))
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("Solarization"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for Solarization {
    /// What is added, and the threshold.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let part = |which, factor: Factor| {
            let [low, high] = factor.range(Single::UpTo, 0.0);
            draws.uniform(which, [low, 255.0 * high])
        };
        vec![
            part(0, self.addition_factor),
            part(1, self.threshold_factor),
        ]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range;
        let scale = 255.0 / (high - low);
        let (zero, white) = (E::zero(), E::from_f64(255.0));
        let x = x.shift(E::from_f64(-low)).scale(E::from_f64(scale));
        let x = x.add(&per_sample(&x, drawn, |d| d[0]))?.clip(zero, white);
        let of_sample = x.value().len() / drawn.len();
        let values = x.value().to_vec();
        let is_dark = |(at, x): (usize, &E)| {
            let dark = (*x).to_f64() < drawn[at / of_sample][1];
            if dark { E::one() } else { zero }
        };
        let dark: Vec<E> = values.iter().enumerate().map(is_dark).collect();
        let dark = wide(&x, x.shape(), dark);
        let y = choose(&dark, &x, &x.neg().shift(white))?;
        Ok(y.scale(E::from_f64(1.0 / scale)).shift(E::from_f64(low)))
    }
}

impl<E: Element> Layer<E> for Solarization {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn addition_factor_default() -> Factor {
    Factor::One(0.0)
}

fn threshold_factor_default() -> Factor {
    Factor::One(0.0)
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Solarization",
        about: "in training, inverts the bright places of every image",
        file: file!(),
        from_config: |config| boxed::<E, Solarization>("Solarization", config),
        sample: |sampler| {
            // Values of a gradient check lie on one side of the threshold.
            let layer = Solarization::new()
                .addition_factor(sampler.number(0.0, 0.2))
                .value_range(-1000.0, 1000.0);
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
