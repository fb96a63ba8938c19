//! Normalization of every row to mean 0 and variance 1.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::ops::RowNormalization;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Normalization of the rows (the last axis) of `[…, width]`: γ · (x − mean) / √(variance + ε) + β with each row's own mean
    /// and biased variance (Ba, Kiros and Hinton 2016). γ and β are `[width]`; without them 1 and 0.
    ///
    /// Gradients, with g the output's, d = g · γ and x̂ the normalized input: x gets (d − mean d − x̂ · mean(d · x̂)) /
    /// √(variance + ε), γ gets Σ g · x̂ over the rows, β gets Σ g. Saves the input and two values a row.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2], vec![1.0, 5.0])?);
    /// let gamma = tape.parameter(&Tensor::from_vec([2], vec![3.0, 4.0])?);
    /// let y = x.layer_normalization(Some(&gamma), None, 0.0)?;
    /// assert_eq!(y.value().to_vec(), [-3.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&gamma].to_vec(), [-1.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn layer_normalization(
        &self,
        gamma: Option<&Var<E>>,
        beta: Option<&Var<E>>,
        epsilon: f64,
    ) -> Result<Var<E>> {
        normalized("layer_normalization", self, gamma, beta, epsilon, true)
    }
}

/// Rows of `x`, normalized; the mean is taken away where they are `centered`.
pub(super) fn normalized<E: Element>(
    name: &'static str,
    x: &Var<E>,
    gamma: Option<&Var<E>>,
    beta: Option<&Var<E>>,
    epsilon: f64,
    centered: bool,
) -> Result<Var<E>> {
    let norm = RowNormalization {
        gamma: gamma.map(|gamma| gamma.value().clone()),
        beta: beta.map(|beta| beta.value().clone()),
        epsilon,
        centered,
    };
    let normed = x.value().row_normalization(&norm)?;
    let mut inputs = vec![x];
    inputs.extend(gamma);
    inputs.extend(beta);
    x.tape().record(&inputs, normed.output, || Normalization {
        name,
        input: x.value().clone(),
        statistics: normed.statistics,
        norm,
    })
}

struct Normalization<E: Element> {
    name: &'static str,
    input: Tensor<E>,
    statistics: Tensor<E>,
    norm: RowNormalization<E>,
}

impl<E: Element> Op<E> for Normalization<E> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let back =
            gradient.row_normalization_gradients(&self.input, &self.norm, &self.statistics)?;
        let mut gradients = vec![Some(back.input)];
        gradients.extend(self.norm.gamma.is_some().then_some(Some(back.gamma)));
        gradients.extend(self.norm.beta.is_some().then_some(Some(back.beta)));
        Ok(gradients)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "layer_normalization",
    formula: "γ (x − mean) / √(variance + ε) + β of each row",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let width = &shape[shape.len() - 1..];
        let (with_gamma, with_beta, epsilon) = (s.coin(), s.coin(), s.number(0.01, 0.5));
        let gamma = with_gamma.then(|| ("gamma", s.away_from_zero(width)));
        let beta = with_beta.then(|| ("beta", s.tensor(width)));
        let apply = move |v: &[Var<f64>]| {
            let gamma = with_gamma.then(|| &v[1]);
            let beta = with_beta.then(|| &v[1 + usize::from(with_gamma)]);
            v[0].layer_normalization(gamma, beta, epsilon)
        };
        let given = [("x", s.tensor(&shape))];
        Sample::new(apply).inputs_from(given.into_iter().chain(gamma).chain(beta))
    },
};
