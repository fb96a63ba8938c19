//! Attention of several heads, groups of which share keys and values.

use super::{Row, Sample, boxed};
use crate::attention::{attend, attention_settings, query_value_key, random_attention_settings};
use crate::constraints::constraint_settings;
use crate::{
    Constraint, Context, DescribeJunction, Error, Initializer, Junction, Regularizer, Result,
    WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Grouped-query attention (Ainslie et al. 2023): as [`MultiHeadAttention`](super::MultiHeadAttention), but
/// `num_query_heads / num_key_value_heads` neighbouring heads of queries share one head of keys and values.
///
/// Inputs: query `[t, dim]`, value `[s, dim]`, and perhaps a key `[s, dim]` (without one the value is the key), in this order.
/// Output: `[t, dim]`, as the query.
///
/// Weights: `query/kernel [dim, num_query_heads, head_dim]`, `key/kernel` and `value/kernel`
/// `[dim, num_key_value_heads, head_dim]`, `attention_output/kernel [num_query_heads, head_dim, dim]` and the bias of each
/// (with `use_gate`, also those of `gate`, behind the key's).
///
/// Masks of inputs and scores as a second output, which Keras has, are absent; `use_causal_mask` is a setting here, in Keras an
/// argument of the call.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::GroupQueryAttention};
/// let junction = GroupQueryAttention::new(8, 4, 2);
/// assert_eq!(junction.output_shapes(&[&[6, 16], &[9, 16]])?, [[6, 16]]);
/// assert_eq!(junction.weights(&[&[6, 16], &[9, 16]])?[2].shape, [16, 2, 8]); // key/kernel
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupQueryAttention {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Features of each head (no default).
    pub head_dim: usize,
    /// Number of heads of queries, a multiple of `num_key_value_heads` (no default).
    pub num_query_heads: usize,
    /// Number of heads of keys and values (no default).
    pub num_key_value_heads: usize,
    /// Probability with which a weight between positions becomes 0 in training, in [0, 1) (default: 0).
    #[serde(default)]
    pub dropout: f64,
    /// Whether projections add a bias (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// Whether what comes out of the heads is multiplied by a sigmoid of the query, projected (default: no).
    #[serde(default)]
    pub use_gate: bool,
    /// Whether a position sees only those that are not later (default: no).
    #[serde(default)]
    pub use_causal_mask: bool,
    /// A position sees only those less than so many steps away (default: all).
    #[serde(default)]
    pub sliding_window: Option<usize>,
    /// First values of the kernels (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub kernel_initializer: Initializer,
    /// First values of the biases (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernels (default: none).
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the biases (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output of each projection (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the kernels must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the biases must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

const NAME: &str = "GroupQueryAttention";

impl GroupQueryAttention {
    /// `num_query_heads` heads with `head_dim` features each, which share `num_key_value_heads` heads of keys and values;
    /// everything else as Keras has it by default.
    pub fn new(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) -> Self {
        GroupQueryAttention {
            name: None,
            head_dim,
            num_query_heads,
            num_key_value_heads,
            dropout: 0.0,
            use_bias: true,
            use_gate: false,
            use_causal_mask: false,
            sliding_window: None,
            kernel_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
        }
    }

    attention_settings!();
    constraint_settings!();

    fn check<'a>(&self, inputs: &[&'a [usize]]) -> Result<[&'a [usize]; 3]> {
        let fail = |message: String| Error::layer(NAME, message);
        let (heads, shared) = (self.num_query_heads, self.num_key_value_heads);
        setting::count("head_dim", self.head_dim)
            .and_then(|()| setting::count("num_query_heads", heads))
            .and_then(|()| setting::count("num_key_value_heads", shared))
            .and_then(|()| self.check_shared())
            .map_err(fail)?;
        if !heads.is_multiple_of(shared) {
            let message = format!(
                "num_query_heads is {heads}, it must be a multiple of num_key_value_heads, {shared}"
            );
            return Err(fail(message));
        }
        let shapes = query_value_key(NAME, inputs)?;
        let [t, s] = [shapes[0][0], shapes[1][0]];
        if setting::elements(&[heads, t, s]).is_none() {
            let message = format!(
                "num_query_heads is {heads} (num_key_value_heads {shared}), too many for {t} positions of {s}"
            );
            return Err(fail(message));
        }
        Ok(shapes)
    }
}

impl DescribeJunction for GroupQueryAttention {
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
        let [query, ..] = self.check(inputs)?;
        Ok(vec![query.to_vec()])
    }

    fn weights(&self, inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        let [query, value, key] = self.check(inputs)?;
        let of_queries = [self.num_query_heads, self.head_dim];
        let shared = [self.num_key_value_heads, self.head_dim];
        let mut weights = self.projection("query", &query[1..], &of_queries);
        weights.extend(self.projection("key", &key[1..], &shared));
        if self.use_gate {
            weights.extend(self.projection("gate", &query[1..], &of_queries));
        }
        weights.extend(self.projection("value", &value[1..], &shared));
        weights.extend(self.projection("attention_output", &of_queries, &query[1..]));
        Ok(weights)
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight.rsplit('/').next().unwrap_or(weight))
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for GroupQueryAttention {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let [query, value, key] = match *inputs {
            [query, value] => [query, value, value],
            [query, value, key] => [query, value, key],
            _ => return Err(Error::layer(NAME, format!("{} inputs", inputs.len()))),
        };
        let mut projections = self.projections(NAME, weights);
        let q = projections.next(query, 1, context)?;
        let k = projections.next(key, 1, context)?;
        let gate = match self.use_gate {
            true => Some(projections.next(query, 1, context)?.sigmoid()),
            false => None,
        };
        let v = projections.next(value, 1, context)?;
        let mut heads = attend([&q, &k, &v], self.sight(), self.dropout, context)?;
        if let Some(gate) = gate {
            heads = heads.mul(&gate)?;
        }
        Ok(vec![projections.next(&heads, 2, context)?])
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: NAME,
        about: "attention of heads that share keys and values in groups",
        file: file!(),
        from_config: |config| boxed::<E, GroupQueryAttention>(NAME, config),
        sample: |sampler| {
            let shared = sampler.integer(1, 2);
            let heads = shared * sampler.integer(1, 2);
            let junction = GroupQueryAttention::new(sampler.integer(1, 3), heads, shared);
            let junction = random_attention_settings!(junction, sampler);
            let (t, s) = (sampler.integer(1, 3), sampler.integer(1, 3));
            let mut dim = || sampler.integer(1, 3);
            let mut inputs = vec![vec![t, dim()], vec![s, dim()]];
            if dim() > 1 {
                inputs.push(vec![s, dim()]);
            }
            Sample {
                junction: Box::new(junction),
                inputs,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_must_divide() {
        let message = |heads, shared| {
            let junction = GroupQueryAttention::new(2, heads, shared);
            let error = junction.output_shapes(&[&[4, 3], &[5, 3]]).unwrap_err();
            error.to_string()
        };
        assert!(message(3, 2).contains("a multiple of num_key_value_heads, 2"));
        assert!(message(0, 2).contains("num_query_heads is 0"));
        assert!(message(2, 0).contains("num_key_value_heads is 0"));
    }
}
