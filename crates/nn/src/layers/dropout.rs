//! Dropout: in training, some of the values become 0 and the others grow, so that the expectation stays.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training each value becomes 0 with probability `rate`, the others are divided by `1 − rate` (inverted dropout,
/// Srivastava et al. 2014); in inference nothing happens. Any shape.
///
/// Which values become 0 is a function of the seed, the layer's place in the model, the training step and the
/// value's position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability of becoming 0, in [0, 1) (no default).
    pub rate: f64,
}

impl Dropout {
    /// Dropout with probability `rate`.
    pub fn new(rate: f64) -> Self {
        Dropout { name: None, rate }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Dropout {
    fn class_name(&self) -> &'static str {
        "Dropout"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::below_one("rate", self.rate).map_err(|fault| {
            let message = format!("{fault}: 0.5 drops half of the values");
            Error::layer("Dropout", message)
        })?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn passes_mask(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Dropout {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        Ok(match context.dropout(self.rate) {
            Some(dropout) => x.dropout(&dropout)?,
            None => x.clone(),
        })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Dropout",
        about: "in training, sets values to 0 with probability `rate` and divides the others by 1 − rate",
        file: file!(),
        from_config: |config| boxed::<E, Dropout>("Dropout", config),
        sample: |sampler| {
            Sample::new(
                Dropout::new(sampler.number(0.0, 0.9)),
                sampler.shape(1, 3, 5),
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::{Seed, Tensor};

    #[test]
    fn rates_outside_of_the_interval_are_refused() {
        for rate in [-0.1, 1.0, f64::NAN] {
            let error = Dropout::new(rate)
                .output_shape(&[3])
                .unwrap_err()
                .to_string();
            assert!(error.contains("[0, 1)"), "{error}");
        }
    }

    #[test]
    fn inference_drops_nothing_and_training_keeps_the_mean() {
        let x = Tensor::<f64>::ones([100, 200]);
        let run = |mut context: Context<f64>| {
            let x = Tape::new().constant(&x);
            Dropout::new(0.2)
                .forward(&x, &[], &mut context)
                .unwrap()
                .value()
                .to_vec()
        };
        assert!(run(Context::inference()).iter().all(|&y| y == 1.0));
        let kept = run(Context::training(Seed(1), 3));
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        assert!((mean - 1.0).abs() <= 0.02, "{mean}");
        assert!(kept.iter().all(|&y| y == 0.0 || (y - 1.25).abs() <= 1e-12));
        assert_ne!(
            kept,
            run(Context::training(Seed(1), 4)),
            "another step, another mask"
        );
        assert_eq!(kept, run(Context::training(Seed(1), 3)));
    }
}
