//! Mean of all elements.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// The mean of all elements, a scalar of shape `[]`; NaN when there are none.
    ///
    /// Gradient: g / count everywhere. Saves the shape only (it is a sum and a scale).
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 3.0])?);
    /// let y = x.mean();
    /// assert_eq!(y.value().item()?, 2.0);
    /// assert_eq!(y.backward()?[&x].to_vec(), [0.5, 0.5]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn mean(&self) -> Var<E> {
        self.sum()
            .scale(E::from_f64(1.0 / self.value().len() as f64))
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "mean",
    formula: "Σx / count",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].mean()).input("x", s.tensor(&shape))
    },
};
