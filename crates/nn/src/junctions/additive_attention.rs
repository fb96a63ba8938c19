//! Attention by sums of queries and keys.

use super::{Row, boxed};
use crate::attention::{Sight, query_value_key, weigh};
use crate::{
    Context, DescribeJunction, Error, Initializer, Junction, Result, WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// softmax(scores) · value, with the scores Σ scale · tanh(query + key) over the features (Bahdanau et al. 2015).
///
/// Inputs: query `[t, dim]`, value `[s, features]`, and perhaps a key `[s, dim]` (without one the value is the key), in this
/// order. Output: `[t, features]`. Weight: `scale [dim]` with `use_scale`.
///
/// Masks of inputs and scores as a second output, which Keras has, are absent; `use_causal_mask` is a setting here, in Keras an
/// argument of the call.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::AdditiveAttention};
/// let junction = AdditiveAttention::new();
/// assert_eq!(junction.output_shapes(&[&[6, 16], &[9, 16]])?, [[6, 16]]);
/// assert_eq!(junction.weights(&[&[6, 16], &[9, 16]])?[0].shape, [16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdditiveAttention {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether a learnt factor for each feature scales the scores (default: yes).
    #[serde(default = "config::yes")]
    pub use_scale: bool,
    /// Probability with which a weight between positions becomes 0 in training, in [0, 1) (default: 0).
    #[serde(default)]
    pub dropout: f64,
    /// Whether a position sees only those that are not later (default: no).
    #[serde(default)]
    pub use_causal_mask: bool,
}

const NAME: &str = "AdditiveAttention";

impl Default for AdditiveAttention {
    fn default() -> Self {
        Self::new()
    }
}

impl AdditiveAttention {
    /// Everything as Keras has it by default.
    pub fn new() -> Self {
        AdditiveAttention {
            name: None,
            use_scale: true,
            dropout: 0.0,
            use_causal_mask: false,
        }
    }

    /// Whether a learnt factor for each feature scales the scores (default: yes).
    pub fn use_scale(mut self, on: bool) -> Self {
        self.use_scale = on;
        self
    }

    super::plain_attention_settings!();
}

impl DescribeJunction for AdditiveAttention {
    fn class_name(&self) -> &'static str {
        NAME
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let [query, value, _] = self.check(NAME, inputs)?;
        Ok(vec![vec![query[0], value[1]]])
    }

    fn weights(&self, inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        let [query, ..] = self.check(NAME, inputs)?;
        let scale = WeightSpec {
            name: "scale".into(),
            shape: vec![query[1]],
            initializer: Initializer::GlorotUniform,
            regularizer: None,
            trainable: true,
        };
        Ok(self.use_scale.then_some(scale).into_iter().collect())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for AdditiveAttention {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let (&[query, value], key) = (&inputs[..2.min(inputs.len())], inputs.get(2)) else {
            return Err(Error::layer(NAME, format!("{} inputs", inputs.len())));
        };
        let sums = super::pairs(query, key.copied().unwrap_or(value))?.tanh();
        let scores = match weights {
            // Σ scale · tanh is a product of a matrix and a vector.
            [scale, ..] => sums.matmul(scale)?,
            [] => sums.sum_axes(&[3], false)?,
        };
        let sight = Sight {
            causal: self.use_causal_mask,
            window: None,
        };
        Ok(vec![weigh(scores, value, sight, self.dropout, context)?])
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: NAME,
        about: "softmax of Σ scale · tanh(query + key), times the value",
        file: file!(),
        from_config: |config| boxed::<E, AdditiveAttention>(NAME, config),
        sample: |sampler| {
            let junction = AdditiveAttention::new().use_scale(sampler.coin());
            super::attention_sample(AdditiveAttention::random(junction, sampler), sampler)
        },
    }
}
