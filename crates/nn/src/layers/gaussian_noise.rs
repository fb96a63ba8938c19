//! Normal noise added in training.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// In training, normal noise of mean 0 is added to each value; in inference nothing happens. Any shape.
///
/// The noise is a function of the seed, the layer's place in the model, the training step and the value's position. Keras's
/// `seed` is none of its settings: the seed is the run's.
///
/// ```
/// use taper_nn::{Describe, layers::GaussianNoise};
/// assert_eq!(GaussianNoise::new(0.1).output_shape(&[3])?, [3]);
/// assert!(GaussianNoise::new(1.5).output_shape(&[3]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Standard deviation of the noise, in [0, 1] (no default).
    pub stddev: f64,
}

impl GaussianNoise {
    /// Standard deviation of the noise `stddev`.
    pub fn new(stddev: f64) -> Self {
        GaussianNoise { name: None, stddev }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for GaussianNoise {
    fn class_name(&self) -> &'static str {
        "GaussianNoise"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::fraction("stddev", self.stddev)
            .map_err(|fault| Error::layer("GaussianNoise", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for GaussianNoise {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        if !context.training || self.stddev == 0.0 {
            return Ok(x.clone());
        }
        let noise = Tensor::normal(x.shape(), 0.0, self.stddev, context.key());
        Ok(x.add(&x.tape().constant(&noise))?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GaussianNoise",
        about: "in training, adds normal noise of the deviation `stddev`",
        file: file!(),
        from_config: |config| boxed::<E, GaussianNoise>("GaussianNoise", config),
        sample: |sampler| {
            let layer = GaussianNoise::new(sampler.number(0.0, 1.0));
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
            let y = GaussianNoise::new(0.5).forward(&x, &[], &mut context);
            y.unwrap().value().to_vec()
        };
        assert!(run(Context::inference()).iter().all(|&y| y == 1.5));
        let y = run(Context::training(Seed(1), 3));
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        let deviation = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!((mean - 1.5).abs() <= 0.01, "{mean}");
        assert!((deviation - 0.5).abs() <= 0.01, "{deviation}");
        assert_eq!(y, run(Context::training(Seed(1), 3)), "the same again");
        assert_ne!(y, run(Context::training(Seed(1), 4)), "another step");
    }
}
