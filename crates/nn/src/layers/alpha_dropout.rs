//! Dropout for networks of selu, which keeps mean and variance.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// In training each value becomes α′ = −λα (what [`Selu`](crate::activations::Selu) tends to) with probability `rate`, and then
/// all are a · x + b, with a and b for which values of mean 0 and variance 1 keep both (Klambauer et al. 2017); in inference
/// nothing happens. Any shape.
///
/// a = 1 / √((1 − rate) · (1 + rate · α′²)), b = −a · α′ · rate. Which values are dropped is a function of the seed, the layer's
/// place in the model, the training step and the value's position. Keras's `seed` is none of its settings (the seed is the
/// run's), nor is `noise_shape`: each value is drawn by itself. A rate of 1, for which there is no a, is refused.
///
/// ```
/// use taper_nn::{Describe, layers::AlphaDropout};
/// assert_eq!(AlphaDropout::new(0.1).output_shape(&[3])?, [3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlphaDropout {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability of being dropped, in [0, 1) (no default).
    pub rate: f64,
}

impl AlphaDropout {
    /// Probability of being dropped `rate`.
    pub fn new(rate: f64) -> Self {
        AlphaDropout { name: None, rate }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for AlphaDropout {
    fn class_name(&self) -> &'static str {
        "AlphaDropout"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::below_one("rate", self.rate)
            .map_err(|fault| Error::layer("AlphaDropout", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for AlphaDropout {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let Some(dropout) = context.dropout(self.rate) else {
            return Ok(x.clone());
        };
        const DROPPED: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;
        let a = ((1.0 - self.rate) * (1.0 + self.rate * DROPPED * DROPPED)).powf(-0.5);
        let b = -a * DROPPED * self.rate;
        // a · (x or α′) + b as factor · x + offset.
        let kept = Tensor::ones(x.shape()).dropout(&dropout)?;
        let choose = |yes: f64, no: f64| {
            let (yes, no) = (E::from_f64(yes), E::from_f64(no));
            let chosen = kept.map(|kept| if kept > E::zero() { yes } else { no });
            x.tape().constant(&chosen)
        };
        Ok(x.mul(&choose(a, 0.0))?.add(&choose(b, a * DROPPED + b))?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AlphaDropout",
        about: "in training, sets values to −λα with probability `rate`, and keeps mean and variance",
        file: file!(),
        from_config: |config| boxed::<E, AlphaDropout>("AlphaDropout", config),
        sample: |sampler| {
            let layer = AlphaDropout::new(sampler.number(0.0, 0.9));
            Sample::new(layer, sampler.shape(1, 3, 5))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::{Seed, Stream};

    #[test]
    fn mean_0_and_variance_1_are_kept() {
        let x = Tensor::<f64>::normal([400, 500], 0.0, 1.0, Seed(2).key(Stream::User(0), 0));
        let run = |rate: f64, mut context: Context<f64>| {
            let x = Tape::new().constant(&x);
            let y = AlphaDropout::new(rate).forward(&x, &[], &mut context);
            y.unwrap().value().to_vec()
        };
        assert_eq!(run(0.3, Context::inference()), x.to_vec());
        for rate in [0.05, 0.3, 0.8] {
            let y = run(rate, Context::training(Seed(1), 3));
            let n = y.len() as f64;
            let mean = y.iter().sum::<f64>() / n;
            let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
            assert!(mean.abs() <= 0.015, "{rate}: {mean}");
            assert!((variance - 1.0).abs() <= 0.02, "{rate}: {variance}");
            let mut bits: Vec<u64> = y.iter().map(|y| y.to_bits()).collect();
            bits.sort_unstable();
            let runs = bits.chunk_by(|a, b| a == b).map(<[u64]>::len);
            let dropped = runs.max().unwrap_or(0) as f64 / n;
            assert!((dropped - rate).abs() <= 0.01, "{rate}: {dropped}");
            assert_eq!(y, run(rate, Context::training(Seed(1), 3)));
            assert_ne!(y, run(rate, Context::training(Seed(1), 4)));
        }
    }
}
