//! Attention of several heads, each with its own projections.

use super::{Row, Sample, boxed};
use crate::attention::{attend, attention_settings, query_value_key, random_attention_settings};
use crate::config::Sizes;
use crate::constraints::constraint_settings;
use crate::{
    Constraint, Context, DescribeJunction, Error, Initializer, Junction, Regularizer, Result,
    WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Multi-head attention (Vaswani et al. 2017): for each head softmax(q · kᵀ / √key_dim) · v, with q, k and v projected from
/// query, key and value; all heads together are projected to the output.
///
/// Inputs: query `[t, dim]`, value `[s, dim]`, and perhaps a key `[s, dim]` (without one the value is the key), in this order.
/// Output: `[t, output_shape…]`, by default `[t, dim of the query]`. Self-attention is one wire given twice.
///
/// Weights: `query/kernel [dim, num_heads, key_dim]`, `key/kernel [dim, num_heads, key_dim]`,
/// `value/kernel [dim, num_heads, value_dim]`, `attention_output/kernel [num_heads, value_dim, output_shape…]` and the bias of
/// each (with `use_gate`, also those of `gate`, behind the key's).
///
/// What Keras has and this has not: inputs with more than one axis of positions, masks of inputs, and scores as a second
/// output. `use_causal_mask` is a setting here, in Keras an argument of the call.
///
/// ```
/// use taper_nn::{Functional, Seed, junctions::{Add, MultiHeadAttention}};
/// use taper_tensor::Tensor;
///
/// let mut net = Functional::new();
/// let words = net.input("words", [6, 16]);
/// let seen = net.join(MultiHeadAttention::new(4, 8).use_causal_mask(true), &[words, words]);
/// let sum = net.join(Add::new(), &[words, seen]);
/// let model = net.outputs(&[sum]).build(Seed(7))?;
/// assert_eq!(model.parameter("multi_head_attention/query/kernel").unwrap().value.shape(), [16, 4, 8]);
/// assert_eq!(model.predict(&Tensor::ones([2, 6, 16]))?.shape(), [2, 6, 16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttention {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of heads (no default).
    pub num_heads: usize,
    /// Features of queries and keys of each head (no default).
    pub key_dim: usize,
    /// Features of values of each head (default: `key_dim`).
    #[serde(default)]
    pub value_dim: Option<usize>,
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
    /// The output's features (default: as many as the query has).
    #[serde(default)]
    pub output_shape: Option<Sizes>,
    /// The axes of positions, the batch being axis 0 (default: all; as there is one, `[1]` is the same).
    #[serde(default)]
    pub attention_axes: Option<Vec<isize>>,
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

const NAME: &str = "MultiHeadAttention";

impl MultiHeadAttention {
    /// `num_heads` heads with `key_dim` features each; everything else as Keras has it by default.
    pub fn new(num_heads: usize, key_dim: usize) -> Self {
        MultiHeadAttention {
            name: None,
            num_heads,
            key_dim,
            value_dim: None,
            dropout: 0.0,
            use_bias: true,
            use_gate: false,
            use_causal_mask: false,
            output_shape: None,
            attention_axes: None,
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

    /// Features of values of each head (default: `key_dim`).
    pub fn value_dim(mut self, features: usize) -> Self {
        self.value_dim = Some(features);
        self
    }

    /// The output's features (default: as many as the query has).
    pub fn output_shape(mut self, shape: impl Into<Sizes>) -> Self {
        self.output_shape = Some(shape.into());
        self
    }

    attention_settings!();
    constraint_settings!();

    /// The features of a position that come out.
    fn features(&self, query: &[usize]) -> Vec<usize> {
        match &self.output_shape {
            Some(Sizes(shape)) if !shape.is_empty() => shape.clone(),
            _ => vec![query[1]],
        }
    }

    fn check<'a>(&self, inputs: &[&'a [usize]]) -> Result<[&'a [usize]; 3]> {
        let fail = |message: String| Error::layer(NAME, message);
        let value_dim = self.value_dim.unwrap_or(self.key_dim);
        let shape = self.output_shape.iter().flat_map(|sizes| &sizes.0);
        setting::count("num_heads", self.num_heads)
            .and_then(|()| setting::count("key_dim", self.key_dim))
            .and_then(|()| setting::count("value_dim", value_dim))
            .and_then(|()| {
                shape
                    .copied()
                    .try_for_each(|n| setting::count("output_shape", n))
            })
            .and_then(|()| self.check_shared())
            .map_err(fail)?;
        if let Some(axes) = self.attention_axes.as_ref().filter(|axes| axes[..] != [1]) {
            let message = format!(
                "attention_axes is {axes:?}, it must be [1] or null: inputs have one axis of positions"
            );
            return Err(fail(message));
        }
        let shapes = query_value_key(NAME, inputs)?;
        let [t, s] = [shapes[0][0], shapes[1][0]];
        let heads = self.num_heads;
        if setting::elements(&[heads, t, s]).is_none() {
            let message = format!("num_heads is {heads}, too many for {t} positions of {s}");
            return Err(fail(message));
        }
        Ok(shapes)
    }
}

impl DescribeJunction for MultiHeadAttention {
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
        Ok(vec![[&query[..1], &self.features(query)].concat()])
    }

    fn weights(&self, inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        let [query, value, key] = self.check(inputs)?;
        let (heads, key_dim) = (self.num_heads, self.key_dim);
        let value_dim = self.value_dim.unwrap_or(key_dim);
        let mut weights = self.projection("query", &query[1..], &[heads, key_dim]);
        weights.extend(self.projection("key", &key[1..], &[heads, key_dim]));
        if self.use_gate {
            weights.extend(self.projection("gate", &query[1..], &[heads, value_dim]));
        }
        weights.extend(self.projection("value", &value[1..], &[heads, value_dim]));
        let features = self.features(query);
        weights.extend(self.projection("attention_output", &[heads, value_dim], &features));
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

impl<E: Element> Junction<E> for MultiHeadAttention {
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
        about: "softmax(q · kᵀ / √key_dim) · v of several heads, projected",
        file: file!(),
        from_config: |config| boxed::<E, MultiHeadAttention>(NAME, config),
        sample: |sampler| {
            let (heads, key_dim) = (sampler.integer(1, 3), sampler.integer(1, 3));
            let mut junction =
                random_attention_settings!(MultiHeadAttention::new(heads, key_dim), sampler);
            if sampler.coin() {
                junction = junction.value_dim(sampler.integer(1, 3));
            }
            if sampler.coin() {
                junction = junction.output_shape(sampler.shape(1, 2, 2));
            }
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
    use crate::{Functional, Seed};
    use taper_tensor::{Stream, Tensor};

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |junction: MultiHeadAttention, inputs: &[&[usize]]| {
            junction.output_shapes(inputs).unwrap_err().to_string()
        };
        let good: &[&[usize]] = &[&[4, 3], &[5, 3]];
        let plain = || MultiHeadAttention::new(2, 3);
        assert!(message(MultiHeadAttention::new(0, 3), good).contains("num_heads is 0"));
        assert!(message(MultiHeadAttention::new(2, 0), good).contains("key_dim is 0"));
        assert!(message(plain().value_dim(0), good).contains("value_dim is 0"));
        assert!(message(plain().output_shape([0]), good).contains("output_shape is 0"));
        assert!(message(plain().dropout(f64::NAN), good).contains("dropout"));
        assert!(message(plain().sliding_window(0), good).contains("sliding_window"));
        assert!(message(plain(), &[&[4, 3], &[5, 3], &[6, 3]]).contains("as many positions"));
        assert!(message(plain(), &[&[4, 3], &[5]]).contains("[positions, features]"));
        let mut axes = plain();
        axes.attention_axes = Some(vec![2]);
        assert!(message(axes, good).contains("attention_axes is [2]"));
    }

    /// With a causal mask the first positions know nothing of those behind them.
    #[test]
    fn self_attention_with_a_causal_mask_looks_back_only() {
        let mut net = Functional::<f64>::of();
        let x = net.input("x", [5, 4]);
        let y = net.join(
            MultiHeadAttention::new(2, 3).use_causal_mask(true),
            &[x, x, x],
        );
        let model = net.outputs(&[y]).build(Seed(7)).unwrap();
        let key = Seed(1).key(Stream::User(0), 0);
        let x = Tensor::<f64>::normal([2, 5, 4], 0.0, 1.0, key);
        let mut later = x.clone();
        for (i, value) in later.as_mut_slice().iter_mut().enumerate() {
            if i / 4 % 5 >= 3 {
                *value += 1.0;
            }
        }
        let (a, b) = (model.predict(&x).unwrap(), model.predict(&later).unwrap());
        let early = |y: &Tensor<f64>| y.slice(1, 0..3).unwrap();
        assert_eq!(early(&a).max_abs_difference(&early(&b)).unwrap(), 0.0);
        assert!(a.max_abs_difference(&b).unwrap() > 1e-3);
    }
}
