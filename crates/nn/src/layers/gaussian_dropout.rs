//! Normal factors in training.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// In training each value is multiplied by a normal number of mean 1 and standard deviation √(rate / (1 − rate)), which is
/// the one of [`Dropout`](super::Dropout)'s factors (Srivastava et al. 2014); in inference nothing happens. Any shape.
///
/// The factors are a function of the seed, the layer's place in the model, the training step and the value's position.
/// Keras's `seed` is none of its settings: the seed is the run's. A rate of 1, which Keras lets pass and then divides by
/// zero, is refused.
///
/// ```
/// use taper_nn::{Describe, layers::GaussianDropout};
/// assert_eq!(GaussianDropout::new(0.5).output_shape(&[3])?, [3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianDropout {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rate of a dropout that would have this deviation, in [0, 1) (no default).
    pub rate: f64,
}

impl GaussianDropout {
    /// Rate of a dropout that would have this deviation `rate`.
    pub fn new(rate: f64) -> Self {
        GaussianDropout { name: None, rate }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for GaussianDropout {
    fn class_name(&self) -> &'static str {
        "GaussianDropout"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::below_one("rate", self.rate)
            .map_err(|fault| Error::layer("GaussianDropout", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for GaussianDropout {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        if !context.training || self.rate == 0.0 {
            return Ok(x.clone());
        }
        let deviation = (self.rate / (1.0 - self.rate)).sqrt();
        let factors = Tensor::normal(x.shape(), 1.0, deviation, context.key());
        Ok(x.mul(&x.tape().constant(&factors))?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GaussianDropout",
        about: "in training, multiplies by normal numbers of mean 1 and deviation √(rate / (1 − rate))",
        file: file!(),
        from_config: |config| boxed::<E, GaussianDropout>("GaussianDropout", config),
        sample: |sampler| {
            let layer = GaussianDropout::new(sampler.number(0.0, 0.9));
            Sample::new(layer, sampler.shape(1, 3, 5))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::Seed;

    #[test]
    fn mean_and_deviation_are_as_they_should_and_inference_is_still() {
        let x = Tensor::<f64>::full([200, 250], 1.5);
        let run = |mut context: Context<f64>| {
            let x = Tape::new().constant(&x);
            let y = GaussianDropout::new(0.2).forward(&x, &[], &mut context);
            y.unwrap().value().to_vec()
        };
        assert!(run(Context::inference()).iter().all(|&y| y == 1.5));
        let y = run(Context::training(Seed(1), 3));
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        let deviation = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!((mean - 1.5).abs() <= 0.01, "{mean}");
        assert!((deviation - 0.75).abs() <= 0.01, "{deviation}");
        assert_eq!(y, run(Context::training(Seed(1), 3)), "the same again");
        assert_ne!(y, run(Context::training(Seed(1), 4)), "another step");
    }
}
