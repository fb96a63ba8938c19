//! Normalization of every row to a mean square of 1.

use super::layer_normalization::normalized;
use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Result};

impl<E: Element> Var<E> {
    /// Normalization of the rows (the last axis) of `[…, width]` by their root mean squares: γ · x / √(mean of x² + ε) (Zhang and
    /// Sennrich 2019). γ is `[width]`; without it 1.
    ///
    /// Gradients, with g the output's, d = g · γ and x̂ the normalized input: x gets (d − x̂ · mean(d · x̂)) / √(mean of x² + ε), γ
    /// gets Σ g · x̂ over the rows. Saves the input and two values a row.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2], vec![2.0, -2.0])?);
    /// let y = x.rms_normalization(None, 0.0)?;
    /// assert_eq!(y.value().to_vec(), [1.0, -1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn rms_normalization(&self, gamma: Option<&Var<E>>, epsilon: f64) -> Result<Var<E>> {
        normalized("rms_normalization", self, gamma, None, epsilon, false)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "rms_normalization",
    formula: "γ x / √(mean of x² + ε) of each row",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let width = &shape[shape.len() - 1..];
        let (with_gamma, epsilon) = (s.coin(), s.number(0.01, 0.5));
        let gamma = with_gamma.then(|| ("gamma", s.away_from_zero(width)));
        let apply = move |v: &[Var<f64>]| v[0].rms_normalization(v.get(1), epsilon);
        let given = [("x", s.tensor(&shape))];
        Sample::new(apply).inputs_from(given.into_iter().chain(gamma))
    },
};
