//! Attention of several heads.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::ops::Dropout;
use taper_tensor::{Element, Result, Tensor};

/// How [`Var::attention`] weighs.
#[derive(Clone, Debug)]
pub struct Weighing<E: Element = f32> {
    /// What scores are multiplied by, such as 1 / √d.
    pub scale: E,
    /// What is added to the scaled scores, `[t, s]`: very negative numbers where a position sees another one not.
    pub mask: Option<Tensor<E>>,
    /// Drops weights in training.
    pub dropout: Option<Dropout>,
}

impl<E: Element> Var<E> {
    /// For each head dropout(softmax(scale · q · kᵀ + mask)) · v (Vaswani et al. 2017): queries (self) `[n, t, heads, d]`, keys
    /// `[n, s, shared, d]`, values `[n, s, shared, e]` → `[n, t, heads, e]`. `heads` is a multiple of `shared`, and so many
    /// neighbouring heads see the same keys and values.
    ///
    /// Without dropout one head of one sample after the other is computed, in the caches. Gradients, with w the weights and
    /// z = w · (g · vᵀ − Σ w · (g · vᵀ)): scale · z · k, scale · zᵀ · q and wᵀ · g. Saves the inputs and the weights. With dropout
    /// it is an expression of other operations.
    ///
    /// ```
    /// # use taper_autograd::{Tape, ops::Weighing};
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::<f32>::new();
    /// let q = tape.constant(&Tensor::zeros([1, 1, 1, 2])); // sees all alike
    /// let v = tape.parameter(&Tensor::from_vec([1, 2, 1, 1], vec![1.0, 3.0])?);
    /// let k = tape.constant(&Tensor::ones([1, 2, 1, 2]));
    /// let how = Weighing { scale: 1.0, mask: None, dropout: None };
    /// let y = q.attention(&k, &v, &how)?;
    /// assert_eq!(y.value().to_vec(), [2.0]);
    /// assert_eq!(y.sum().backward()?[&v].to_vec(), [0.5, 0.5]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, dropout's rate is not in `[0, 1)`, or the variables belong to different tapes.
    pub fn attention(&self, keys: &Var<E>, values: &Var<E>, how: &Weighing<E>) -> Result<Var<E>> {
        let inputs = [self, keys, values];
        let [q, k, v] = inputs.map(Var::value);
        if how.dropout.is_some() {
            q.check_attention(k, v)?;
            return composed(inputs, how);
        }
        let wanted = inputs.iter().any(|input| input.wants_gradient());
        let made = q.attention(k, v, (how.scale, how.mask.as_ref()), wanted)?;
        let weights = made.weights;
        self.tape().record(&inputs, made.output, || Attention {
            inputs: [q, k, v].map(Tensor::clone),
            weights,
            how: how.clone(),
        })
    }
}

struct Attention<E: Element> {
    inputs: [Tensor<E>; 3],
    weights: Option<Tensor<E>>,
    how: Weighing<E>,
}

impl<E: Element> Op<E> for Attention<E> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let [q, k, v] = &self.inputs;
        let Some(weights) = &self.weights else {
            return Ok(vec![None; 3]); // nobody wanted a gradient
        };
        let back = gradient.attention_gradients([q, k, v], weights, self.how.scale)?;
        let back = back.into_iter().zip(wanted);
        Ok(back.map(|(back, &wanted)| wanted.then_some(back)).collect())
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        // The gradients of the same in operations. Each input stands for itself, whatever it was computed from.
        let input = |i: usize| match place.wants(i) {
            true => place.input(i, &self.inputs[i]).shift(E::zero()),
            false => place.constant(&self.inputs[i]),
        };
        let inputs = [input(0), input(1), input(2)];
        let [q, k, v] = &inputs;
        let sum = composed([q, k, v], &self.how)?.mul(gradient)?.sum();
        let targets: Vec<&Var<E>> = (0..3)
            .filter(|&i| place.wants(i))
            .map(|i| &inputs[i])
            .collect();
        let mut found = sum.gradients(&targets)?.into_iter();
        let mut of = |i: usize| place.wants(i).then(|| found.next()).flatten();
        Ok(vec![of(0), of(1), of(2)])
    }
}

/// The same as an expression of other operations.
fn composed<E: Element>([q, k, v]: [&Var<E>; 3], how: &Weighing<E>) -> Result<Var<E>> {
    let apart = |x: &Var<E>, shared: usize, order: &[usize]| {
        let &[n, positions, heads, features] = x.shape() else {
            return x.permute(order); // which says what does not fit
        };
        x.reshape([n, positions, shared, heads / shared, features])?
            .permute(order)
    };
    let shared = k.shape().get(2).copied().unwrap_or(1).max(1);
    // [n, shared, heads of a group, positions, features]; keys and values are stretched over a group.
    let queries = apart(&q.scale(how.scale), shared, &[0, 2, 3, 1, 4])?;
    let mut scores = queries.matmul(&apart(k, shared, &[0, 2, 3, 4, 1])?)?;
    if let Some(mask) = &how.mask {
        scores = scores.add(&scores.tape().constant(mask))?;
    }
    let mut weights = scores.softmax(4)?;
    drop(scores);
    if let Some(dropout) = &how.dropout {
        weights = weights.dropout(dropout)?;
    }
    let heads = weights.matmul(&apart(v, shared, &[0, 2, 3, 1, 4])?)?;
    let heads = heads.permute(&[0, 3, 1, 2, 4])?;
    let &[n, t, shared, group, features] = heads.shape() else {
        return Ok(heads);
    };
    heads.reshape([n, t, shared * group, features])
}

pub(super) const SPEC: Spec = Spec {
    name: "attention",
    formula: "softmax(scale · q · kᵀ + mask) · v",
    sample: |s| {
        let [n, t, keys, shared, group] = [(); 5].map(|()| s.integer(1, 2));
        let (d, e) = (s.integer(1, 3), s.integer(1, 3));
        let mask = s.coin().then(|| s.tensor(&[t, keys]));
        let dropout = (s.integer(0, 3) == 0).then(|| Dropout {
            rate: s.number(0.1, 0.6),
            key: s.key(),
        });
        let how = Weighing {
            scale: s.number(0.5, 2.0),
            mask,
            dropout,
        };
        Sample::new(move |x| x[0].attention(&x[1], &x[2], &how))
            .input("q", s.tensor(&[n, t, shared * group, d]))
            .input("k", s.tensor(&[n, keys, shared, d]))
            .input("v", s.tensor(&[n, keys, shared, e]))
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use taper_tensor::{Seed, Stream};

    /// The fused way and the composed one, with one head and with heads that share.
    #[test]
    fn heads_are_those_of_products() {
        for (heads, shared) in [(1, 1), (4, 4), (4, 2), (3, 1)] {
            let random = |shape: [usize; 4], i| {
                Tensor::<f64>::normal(shape, 0.0, 1.0, Seed(3).key(Stream::User(0), i))
            };
            let tape = Tape::new();
            let q = tape.constant(&random([2, 5, heads, 3], 0));
            let k = tape.constant(&random([2, 7, shared, 3], 1));
            let v = tape.constant(&random([2, 7, shared, 4], 2));
            let how = Weighing {
                scale: 0.7,
                mask: Some(Tensor::normal(
                    [5, 7],
                    0.0,
                    1.0,
                    Seed(4).key(Stream::User(0), 0),
                )),
                dropout: None,
            };
            let fused = q.attention(&k, &v, &how).unwrap();
            let composed = composed([&q, &k, &v], &how).unwrap();
            let difference = fused.value().max_abs_difference(composed.value()).unwrap();
            assert!(
                difference <= 1e-14,
                "{heads} heads, {shared} shared: {difference}"
            );
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let tape = Tape::<f32>::new();
        let zeros = |shape: &[usize]| tape.constant(&Tensor::zeros(shape));
        let (q, k) = (zeros(&[2, 5, 3, 3]), zeros(&[2, 7, 2, 3]));
        for dropout in [
            None,
            Some(Dropout {
                rate: 0.5,
                key: Seed(1).key(Stream::User(0), 0),
            }),
        ] {
            let how = Weighing {
                scale: 1.0,
                mask: None,
                dropout,
            };
            let message = q.attention(&k, &k, &how).unwrap_err().to_string();
            assert!(
                message.starts_with("attention: ") && message.contains("multiple"),
                "{message}"
            );
        }
    }
}
