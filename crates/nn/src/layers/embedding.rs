//! Vectors that are learned, by number.

use super::{Row, Sample, boxed};
use crate::{
    Constraint, Context, Describe, Error, Initializer, Layer, Regularizer, Result, WeightSpec,
    config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// The row of a table for every number: `[…]` → `[…, output_dim]`. The input is whole numbers from 0 up to below `input_dim`,
/// as floats (fractions are cut off, as a cast does); others are an error, in training and prediction alike.
///
/// Weights: `embeddings [input_dim, output_dim]`. With `mask_zero` the number 0 stands for nothing: behind the layer these
/// steps are masked ([`Masking`](super::Masking)).
///
/// ```
/// use taper_nn::{Describe, layers::Embedding};
/// let layer = Embedding::new(1000, 64).mask_zero(true);
/// assert_eq!(layer.output_shape(&[10])?, [10, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many numbers there are (no default).
    pub input_dim: usize,
    /// How many values stand for each (no default).
    pub output_dim: usize,
    /// First values (default: uniform in ±0.05).
    #[serde(default = "uniform")]
    pub embeddings_initializer: Initializer,
    /// Penalty on the table (default: none).
    #[serde(default)]
    pub embeddings_regularizer: Option<Regularizer>,
    /// What the table must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings_constraint: Option<Constraint>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Whether 0 masks its step (default: no).
    #[serde(default)]
    pub mask_zero: bool,
}

fn uniform() -> Initializer {
    Initializer::RandomUniform {
        minval: -0.05,
        maxval: 0.05,
    }
}

impl Embedding {
    /// A table of `output_dim` values for each of `input_dim` numbers.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        Embedding {
            name: None,
            input_dim,
            output_dim,
            embeddings_initializer: uniform(),
            embeddings_regularizer: None,
            embeddings_constraint: None,
            activity_regularizer: None,
            mask_zero: false,
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// First values (default: uniform in ±0.05).
    pub fn embeddings_initializer(mut self, initializer: Initializer) -> Self {
        self.embeddings_initializer = initializer;
        self
    }

    /// Penalty on the table (default: none).
    pub fn embeddings_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.embeddings_regularizer = Some(regularizer.into());
        self
    }

    /// What the table must be after every step (default: anything).
    pub fn embeddings_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.embeddings_constraint = Some(constraint.into());
        self
    }

    /// Penalty on the output, divided by the batch size (default: none).
    pub fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// Whether 0 masks its step (default: no).
    pub fn mask_zero(mut self, on: bool) -> Self {
        self.mask_zero = on;
        self
    }

    /// The rows that these numbers ask for.
    fn rows<E: Element>(&self, x: &Tensor<E>) -> Result<Vec<usize>> {
        let row = |x: E| {
            let number = x.to_f64().trunc();
            if number >= 0.0 && number < self.input_dim as f64 {
                return Ok(number as usize);
            }
            let message = format!(
                "the input has {x}, it must be whole numbers from 0 to below input_dim = {}",
                self.input_dim
            );
            Err(Error::layer("Embedding", message))
        };
        x.to_vec().into_iter().map(row).collect()
    }
}

impl Describe for Embedding {
    fn class_name(&self) -> &'static str {
        "Embedding"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::count("input_dim", self.input_dim)
            .and_then(|()| setting::count("output_dim", self.output_dim))
            .and_then(|()| {
                crate::weight_checks::penalty::<f32>(
                    "activity_regularizer",
                    self.activity_regularizer,
                )
            })
            .map_err(|fault| Error::layer("Embedding", fault))?;
        Ok([input, &[self.output_dim]].concat())
    }

    fn weights(&self, _input: &[usize]) -> Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec {
            name: "embeddings".into(),
            shape: vec![self.input_dim, self.output_dim],
            initializer: self.embeddings_initializer,
            regularizer: self.embeddings_regularizer,
            trainable: true,
        }])
    }

    fn constraint(&self, _weight: &str) -> Option<Constraint> {
        self.embeddings_constraint.clone()
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn indices(&self) -> Option<usize> {
        Some(self.input_dim)
    }

    fn masks(&self) -> bool {
        self.mask_zero
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Embedding {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let [embeddings] = weights else {
            let message = format!("a table is wanted, {} weights are given", weights.len());
            return Err(Error::layer("Embedding", message));
        };
        let rows = embeddings.gather(&self.rows(x.value())?)?;
        let y = rows.reshape([x.shape(), &[self.output_dim]].concat())?;
        context.penalize(&y, self.activity_regularizer)?;
        Ok(y)
    }

    fn output_mask(&self, x: &Tensor<E>, _mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        if !self.mask_zero {
            return Ok(None);
        }
        let counts = |x: E| if x.is_zero() { E::zero() } else { E::one() };
        Ok(Some(x.map(counts)))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Embedding",
        about: "the row of a table for every number",
        file: file!(),
        from_config: |config| boxed::<E, Embedding>("Embedding", config),
        sample: |sampler| {
            let mut layer = Embedding::new(sampler.integer(1, 5), sampler.integer(1, 3));
            if sampler.coin() {
                layer = layer
                    .name("named")
                    .mask_zero(true)
                    .embeddings_regularizer(crate::L2(0.1));
            }
            Sample::new(layer, sampler.shape(1, 2, 3))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;

    #[test]
    fn numbers_that_it_has_not_are_told() {
        let layer = Embedding::new(3, 2);
        let tape = Tape::new();
        let table = tape.constant(&Tensor::<f32>::zeros([3, 2]));
        for odd in [3.0, -1.0, f32::NAN, f32::INFINITY] {
            let x = tape.constant(&Tensor::full([1, 2], odd));
            let weights = std::slice::from_ref(&table);
            let error = layer.forward(&x, weights, &mut Context::inference());
            let error = error.unwrap_err().to_string();
            assert!(error.contains("input_dim = 3"), "{error}");
        }
    }
}
