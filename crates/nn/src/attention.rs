//! What the junctions of attention share: projections onto heads, the masks that follow from positions, and the scaled
//! product of queries, keys and values.

use crate::setting::{self, Checked};
use crate::{Context, Error, Regularizer, Result};
use std::slice::Iter;
use taper_autograd::Var;
use taper_autograd::ops::Weighing;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Element, Tensor};

/// The weights of a junction, one projection after the other.
pub(crate) struct Projections<'a, E: Element> {
    pub(crate) class_name: &'static str,
    pub(crate) weights: Iter<'a, Var<E>>,
    pub(crate) use_bias: bool,
    pub(crate) activity_regularizer: Option<Regularizer>,
}

impl<E: Element> Projections<'_, E> {
    /// x · kernel + bias by the next kernel (and bias); the last `bound` axes of x are summed, all others of the kernel come
    /// out.
    pub(crate) fn next(
        &mut self,
        x: &Var<E>,
        bound: usize,
        context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let mut weight = || {
            let missing = || Error::layer(self.class_name, "weights are missing");
            self.weights.next().ok_or_else(missing)
        };
        let kernel = weight()?;
        let bias = if self.use_bias { Some(weight()?) } else { None };
        let (outer, inner) = x.shape().split_at(x.shape().len() - bound);
        let made = &kernel.shape()[bound..];
        let (inputs, units) = (inner.iter().product(), made.iter().product());
        let bias = bias.map(|bias| bias.reshape([units])).transpose()?;
        let kernel = kernel.reshape([inputs, units])?;
        let y = x
            .reshape([outer.iter().product(), inputs])?
            .dense(&kernel, bias.as_ref(), &Epilogue::default())?
            .reshape([outer, made].concat())?;
        context.penalize(&y, self.activity_regularizer)?;
        Ok(y)
    }
}

/// Which positions see which.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    /// Only positions that are not later.
    pub(crate) causal: bool,
    /// Only positions less than so many steps away.
    pub(crate) window: Option<usize>,
}

impl Sight {
    /// What is added to the scores `[queries, keys]`: 0 where a query sees a key, −10⁹ where not. None if all see all.
    pub(crate) fn mask<E: Element>(self, queries: usize, keys: usize) -> Option<Tensor<E>> {
        if !self.causal && self.window.is_none() {
            return None;
        }
        let hidden = E::from_f64(-1e9);
        let sees = |query: usize, key: usize| {
            !(self.causal && key > query)
                && self
                    .window
                    .is_none_or(|window| query.abs_diff(key) < window)
        };
        let value = |i: usize| match sees(i / keys, i % keys) {
            true => E::zero(),
            false => hidden,
        };
        Some(Tensor::from_fn([queries, keys], value))
    }
}

/// Attention of heads, scaled by 1 / √features: queries `[n, t, heads, d]`, keys `[n, s, shared, d]`, values
/// `[n, s, shared, e]` → `[n, t, heads, e]`.
pub(crate) fn attend<E: Element>(
    [queries, keys, values]: [&Var<E>; 3],
    sight: Sight,
    dropout: f64,
    context: &mut Context<E>,
) -> Result<Var<E>> {
    let features = queries.shape().last().copied().unwrap_or(1);
    let how = Weighing {
        scale: E::from_f64(1.0 / (features as f64).sqrt()),
        mask: sight.mask(queries.shape()[1], keys.shape()[1]),
        dropout: context.dropout(dropout),
    };
    Ok(queries.attention(keys, values, &how)?)
}

/// dropout(softmax(scores + mask)) · values.
pub(crate) fn weigh<E: Element>(
    mut scores: Var<E>,
    values: &Var<E>,
    sight: Sight,
    dropout: f64,
    context: &mut Context<E>,
) -> Result<Var<E>> {
    let axes = scores.shape().len();
    let (t, s) = (scores.shape()[axes - 2], scores.shape()[axes - 1]);
    if let Some(mask) = sight.mask(t, s) {
        scores = scores.add(&scores.tape().constant(&mask))?;
    }
    let mut weights = scores.softmax(axes - 1)?;
    drop(scores);
    if let Some(dropout) = context.dropout(dropout) {
        weights = weights.dropout(&dropout)?;
    }
    Ok(weights.matmul(values)?)
}

/// Two or three inputs of positions with features, `[t, dim]`: query, value, and a key as long as the value (without one, the
/// value is the key).
pub(crate) fn query_value_key<'a>(
    class_name: &str,
    inputs: &[&'a [usize]],
) -> Result<[&'a [usize]; 3]> {
    let fail = |message: String| Err(Error::layer(class_name, message));
    let [query, value, key] = match *inputs {
        [query, value] => [query, value, value],
        [query, value, key] => [query, value, key],
        _ => {
            return fail(format!(
                "{} inputs; query and value are wanted, and perhaps a key",
                inputs.len()
            ));
        }
    };
    if let Some(odd) = [query, value, key].iter().find(|shape| shape.len() != 2) {
        return fail(format!(
            "an input {odd:?}; query, value and key must be [positions, features]"
        ));
    }
    if value[0] != key[0] {
        return fail(format!(
            "the value {value:?} and the key {key:?} must have as many positions"
        ));
    }
    // The scores of one sample.
    if setting::elements(&[query[0], value[0]]).is_none() {
        return fail(format!(
            "{} positions of {} are too many",
            query[0], value[0]
        ));
    }
    Ok([query, value, key])
}

/// A window sees the position itself, at least.
pub(crate) fn check_window(window: Option<usize>) -> Checked {
    match window {
        Some(0) => Err("sliding_window is 0, it must be at least 1".into()),
        _ => Ok(()),
    }
}

/// The settings that projecting attention shares, under Keras's names, and the weights of its projections.
macro_rules! attention_settings {
    () => {
        /// Probability with which a weight between positions becomes 0 in training (default: 0).
        pub fn dropout(mut self, rate: f64) -> Self {
            self.dropout = rate;
            self
        }

        /// Whether projections add a bias (default: yes).
        pub fn use_bias(mut self, on: bool) -> Self {
            self.use_bias = on;
            self
        }

        /// Whether what comes out of the heads is multiplied by a sigmoid of the query (default: no).
        pub fn use_gate(mut self, on: bool) -> Self {
            self.use_gate = on;
            self
        }

        /// Whether a position sees only those that are not later (default: no).
        pub fn use_causal_mask(mut self, on: bool) -> Self {
            self.use_causal_mask = on;
            self
        }

        /// A position sees only those less than so many steps away (default: all).
        pub fn sliding_window(mut self, window: usize) -> Self {
            self.sliding_window = Some(window);
            self
        }

        /// First values of the kernels (default: glorot uniform).
        pub fn kernel_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.kernel_initializer = initializer;
            self
        }

        /// First values of the biases (default: zeros).
        pub fn bias_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.bias_initializer = initializer;
            self
        }

        /// Penalty on the kernels (default: none).
        pub fn kernel_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.kernel_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on the biases (default: none).
        pub fn bias_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.bias_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on the output of each projection, divided by the batch size (default: none).
        pub fn activity_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.activity_regularizer = Some(regularizer.into());
            self
        }

        /// The junction's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }

        fn sight(&self) -> $crate::attention::Sight {
            $crate::attention::Sight {
                causal: self.use_causal_mask,
                window: self.sliding_window,
            }
        }

        fn projections<'a, E: Element>(
            &self,
            class_name: &'static str,
            weights: &'a [Var<E>],
        ) -> $crate::attention::Projections<'a, E> {
            $crate::attention::Projections {
                class_name,
                weights: weights.iter(),
                use_bias: self.use_bias,
                activity_regularizer: self.activity_regularizer,
            }
        }

        fn check_shared(&self) -> $crate::setting::Checked {
            $crate::setting::below_one("dropout", self.dropout)
                .and_then(|()| $crate::attention::check_window(self.sliding_window))
                .and_then(|()| {
                    $crate::weight_checks::penalty::<f32>(
                        "activity_regularizer",
                        self.activity_regularizer,
                    )
                })
        }

        /// The kernel `[bound…, made…]`, and the bias `[made…]`.
        fn projection(
            &self,
            name: &str,
            bound: &[usize],
            made: &[usize],
        ) -> Vec<$crate::WeightSpec> {
            let fan = |axes: &[usize]| axes.iter().map(|&n| n as f64).product::<f64>();
            let kernel = $crate::WeightSpec {
                name: format!("{name}/kernel").into(),
                shape: [bound, made].concat(),
                initializer: self.kernel_initializer.with_fans(fan(bound), fan(made)),
                regularizer: self.kernel_regularizer,
                trainable: true,
            };
            let bias = $crate::WeightSpec {
                name: format!("{name}/bias").into(),
                shape: made.to_vec(),
                initializer: self.bias_initializer,
                regularizer: self.bias_regularizer,
                trainable: true,
            };
            if self.use_bias {
                vec![kernel, bias]
            } else {
                vec![kernel]
            }
        }
    };
}
pub(crate) use attention_settings;

/// Random values for the settings of [`attention_settings`].
macro_rules! random_attention_settings {
    ($junction:expr, $sampler:expr) => {{
        let mut junction = $junction
            .use_bias($sampler.coin())
            .use_gate($sampler.coin())
            .use_causal_mask($sampler.coin());
        if $sampler.coin() {
            junction = junction.dropout($sampler.number(0.1, 0.6));
        }
        if $sampler.coin() {
            junction = junction.sliding_window($sampler.integer(3, 5));
        }
        if $sampler.coin() {
            junction = junction
                .kernel_regularizer($crate::L2($sampler.number(0.0, 0.1)))
                .name("named");
        }
        junction
    }};
}
pub(crate) use random_attention_settings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_hide_what_is_later_or_too_far() {
        let mask = |causal, window| {
            let mask = Sight { causal, window }.mask::<f64>(3, 3)?;
            let seen = mask.to_vec().into_iter().map(|x| u8::from(x == 0.0));
            Some(seen.collect::<Vec<u8>>())
        };
        assert_eq!(mask(false, None), None);
        assert_eq!(mask(true, None), Some(vec![1, 0, 0, 1, 1, 0, 1, 1, 1]));
        assert_eq!(mask(false, Some(2)), Some(vec![1, 1, 0, 1, 1, 1, 0, 1, 1]));
        assert_eq!(mask(true, Some(1)), Some(vec![1, 0, 0, 0, 1, 0, 0, 0, 1]));
    }
}
