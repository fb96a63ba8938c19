//! What the operations of recurrent layers share: their weights and states as variables, and random ways over sequences.

use crate::Var;
use crate::gradcheck::{Sample, Sampler};
use taper_tensor::ops::{Recurrence, RecurrentGradients, RecurrentWeights};
use taper_tensor::{Element, Result, Tensor};

/// Weights, and states in front of the first step.
pub(crate) struct Weights<'a, E: Element> {
    kernel: &'a Var<E>,
    recurrent: &'a Var<E>,
    bias: Option<&'a Var<E>>,
    initial: &'a [&'a Var<E>],
}

impl<'a, E: Element> Weights<'a, E> {
    pub(crate) fn new(
        kernel: &'a Var<E>,
        recurrent: &'a Var<E>,
        bias: Option<&'a Var<E>>,
        initial: &'a [&'a Var<E>],
    ) -> Self {
        Weights {
            kernel,
            recurrent,
            bias,
            initial,
        }
    }

    pub(crate) fn values(&self) -> RecurrentWeights<E> {
        RecurrentWeights {
            kernel: self.kernel.value().clone(),
            recurrent: self.recurrent.value().clone(),
            bias: self.bias.map(|bias| bias.value().clone()),
        }
    }

    pub(crate) fn initial(&self) -> Vec<Tensor<E>> {
        let states = self.initial.iter();
        states.map(|state| state.value().clone()).collect()
    }

    /// What the output is computed from, in the order of [`in_order`].
    pub(crate) fn inputs(&self, x: &'a Var<E>) -> Vec<&'a Var<E>> {
        let mut inputs = vec![x, self.kernel, self.recurrent];
        inputs.extend(self.bias);
        inputs.extend(self.initial);
        inputs
    }
}

/// The gradients of [`Weights::inputs`].
pub(crate) fn in_order<E: Element>(gradients: RecurrentGradients<E>) -> Vec<Option<Tensor<E>>> {
    let mut all = vec![
        gradients.input,
        Some(gradients.kernel),
        Some(gradients.recurrent),
    ];
    all.extend(gradients.bias.map(Some));
    all.extend(gradients.initial.into_iter().map(Some));
    all
}

/// A recurrent operation: sequences, kernel, recurrent kernel, bias, states, and how.
type Operation = fn(
    &Var<f64>,
    &Var<f64>,
    &Var<f64>,
    Option<&Var<f64>>,
    &[&Var<f64>],
    &Recurrence<f64>,
) -> Result<Var<f64>>;

/// Random sequences through an operation of so many gates and states, whose bias has so many rows.
pub(crate) fn sample(
    s: &mut Sampler,
    operation: Operation,
    [gates, states, rows]: [usize; 3],
) -> Sample {
    let [n, steps, features, units] = [3, 3, 3, 3].map(|most| s.integer(1, most));
    let mask = s.coin().then(|| s.tensor(&[n, steps]));
    let how = Recurrence {
        sequences: s.coin(),
        states: s.coin(),
        backwards: s.coin(),
        mask: mask.map(|mask| mask.map(|x| if x > 0.0 { 1.0 } else { 0.0 })),
        zero_output: s.coin(),
    };
    let (bias, states) = (s.coin(), if s.coin() { states } else { 0 });
    let wide = gates * units;
    let mut sample = Sample::new(move |v| {
        let initial: Vec<&Var<f64>> = v[v.len() - states..].iter().collect();
        let bias = bias.then(|| &v[3]);
        operation(&v[0], &v[1], &v[2], bias, &initial, &how)
    })
    .input("x", s.tensor(&[n, steps, features]))
    .input("kernel", s.tensor(&[features, wide]))
    .input("recurrent", s.tensor(&[units, wide]));
    if bias {
        let shape = [rows, wide];
        sample = sample.input("bias", s.tensor(&shape[usize::from(rows == 1)..]));
    }
    for state in 0..states {
        sample = sample.input(format!("state {state}"), s.tensor(&[n, units]));
    }
    sample
}
