//! Images without their colours at random.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, augment, choose, colours, named, per_sample, wide};
use crate::{AtInference, Context, Describe, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training some images become grey: `[height, width, 3]`, the same shape out. All three channels get
/// 0.2989 · red + 0.587 · green + 0.114 · blue.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomGrayscale};
/// let layer = RandomGrayscale::new().factor(0.2);
/// assert_eq!(layer.output_shape(&[32, 32, 3])?, [32, 32, 3]);
/// assert!(layer.output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomGrayscale {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability that an image becomes grey, in [0, 1] (default: 0.5).
    #[serde(default = "half")]
    pub factor: f64,
}

impl RandomGrayscale {
    /// Makes every other image grey.
    pub fn new() -> Self {
        RandomGrayscale {
            name: None,
            factor: half(),
        }
    }

    /// Probability that an image becomes grey, in [0, 1] (default: 0.5).
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Default for RandomGrayscale {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for RandomGrayscale {
    fn class_name(&self) -> &'static str {
        "RandomGrayscale"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        colours("RandomGrayscale", input)?;
        setting::fraction("factor", self.factor).map_err(named("RandomGrayscale"))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomGrayscale {
    /// Whether.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        vec![f64::from(draws.uniform(0, [0.0, 1.0]) < self.factor)]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let shares = wide(x, [3], [0.2989, 0.587, 0.114].map(E::from_f64).to_vec());
        let grey = x.mul(&shares)?.sum_axes(&[3], true)?;
        choose(&per_sample(x, drawn, |d| d[0]), &grey, x)
    }
}

impl<E: Element> Layer<E> for RandomGrayscale {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn half() -> f64 {
    0.5
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomGrayscale",
        about: "in training, takes the colours of some images away",
        file: file!(),
        from_config: |config| boxed::<E, RandomGrayscale>("RandomGrayscale", config),
        sample: |sampler| {
            let layer = RandomGrayscale::new().factor(sampler.number(0.0, 1.0));
            Sample::new(layer, [sampler.integer(1, 4), sampler.integer(1, 4), 3])
        },
    }
}
