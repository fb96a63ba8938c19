//! Attention by scores of queries and keys as they are.

use super::{Row, boxed};
use crate::attention::{Sight, query_value_key, weigh};
use crate::{Context, DescribeJunction, Error, Junction, Result, WeightSpec, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// softmax(scores) · value, by scores of query and key: q · kᵀ (Luong et al. 2015), or c · Σ tanh(q + k) with
/// [`ScoreMode::Concat`].
///
/// Inputs: query `[t, dim]`, value `[s, features]`, and perhaps a key `[s, dim]` (without one the value is the key), in this
/// order. Output: `[t, features]`.
///
/// Weights, numbers that begin as 1: `scale []` with `use_scale` (a factor of q · kᵀ, or of q + k), `concat_score_weight []`
/// (c) with [`ScoreMode::Concat`].
///
/// Masks of inputs and scores as a second output, which Keras has, are absent; `use_causal_mask` is a setting here, in Keras an
/// argument of the call.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Attention};
/// assert_eq!(Attention::new().output_shapes(&[&[6, 16], &[9, 16]])?, [[6, 16]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether a learnt factor scales the scores (default: no).
    #[serde(default)]
    pub use_scale: bool,
    /// How query and key are compared (default: dot).
    #[serde(default)]
    pub score_mode: ScoreMode,
    /// Probability with which a weight between positions becomes 0 in training, in [0, 1) (default: 0).
    #[serde(default)]
    pub dropout: f64,
    /// Whether a position sees only those that are not later (default: no).
    #[serde(default)]
    pub use_causal_mask: bool,
}

/// How [`Attention`] compares query and key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreMode {
    /// q · kᵀ.
    #[default]
    Dot,
    /// c · Σ tanh(q + k) over the features.
    Concat,
}

const NAME: &str = "Attention";

impl Attention {
    /// Everything as Keras has it by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a learnt factor scales the scores (default: no).
    pub fn use_scale(mut self, on: bool) -> Self {
        self.use_scale = on;
        self
    }

    /// How query and key are compared (default: dot).
    pub fn score_mode(mut self, mode: ScoreMode) -> Self {
        self.score_mode = mode;
        self
    }

    super::plain_attention_settings!();
}

impl DescribeJunction for Attention {
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

    fn weights(&self, _inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        let one = |name: &'static str| WeightSpec {
            name: name.into(),
            shape: Vec::new(),
            initializer: crate::Initializer::Ones,
            regularizer: None,
            trainable: true,
        };
        let scale = self.use_scale.then(|| one("scale"));
        let concat = self.score_mode == ScoreMode::Concat;
        let concat = concat.then(|| one("concat_score_weight"));
        Ok(scale.into_iter().chain(concat).collect())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Attention {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let (&[query, value], key) = (&inputs[..2.min(inputs.len())], inputs.get(2)) else {
            return Err(Error::layer(NAME, format!("{} inputs", inputs.len())));
        };
        let key = key.copied().unwrap_or(value);
        let (scale, rest) = match (self.use_scale, weights) {
            (true, [scale, rest @ ..]) => (Some(scale), rest),
            (_, rest) => (None, rest),
        };
        let scaled = |x: Var<E>| match scale {
            Some(scale) => x.mul(scale),
            None => Ok(x),
        };
        let scores = match (self.score_mode, rest) {
            (ScoreMode::Dot, _) => scaled(query.matmul(&key.permute(&[0, 2, 1])?)?)?,
            (ScoreMode::Concat, [weight, ..]) => {
                let sums = scaled(super::pairs(query, key)?)?;
                sums.tanh().sum_axes(&[3], false)?.mul(weight)?
            }
            _ => return Err(Error::layer(NAME, "concat_score_weight is missing")),
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
        about: "softmax of the scores of query and key, times the value",
        file: file!(),
        from_config: |config| boxed::<E, Attention>(NAME, config),
        sample: |sampler| {
            let mode = sampler.one_of(&[ScoreMode::Dot, ScoreMode::Concat]);
            let junction = Attention::new().score_mode(mode).use_scale(sampler.coin());
            super::attention_sample(Attention::random(junction, sampler), sampler)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |junction: Attention, inputs: &[&[usize]]| {
            junction.output_shapes(inputs).unwrap_err().to_string()
        };
        assert!(message(Attention::new(), &[&[4, 3], &[5, 2]]).contains("3 and 2 features"));
        assert!(message(Attention::new(), &[&[4, 3], &[5, 3], &[4, 3]]).contains("positions"));
        assert!(message(Attention::new().dropout(1.0), &[&[4, 3], &[5, 3]]).contains("dropout"));
        let mode =
            crate::junctions::from_config::<f32>(NAME, &serde_json::json!({"score_mode": "sum"}));
        assert!(mode.unwrap_err().to_string().contains("score_mode"));
    }
}
