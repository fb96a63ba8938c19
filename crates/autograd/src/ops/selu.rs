//! Scaled exponential linear unit (Klambauer, Unterthiner, Mayr, Hochreiter 2017).

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;
use taper_tensor::ops::Fusible;

impl<E: Element> Var<E> {
    /// λx where x > 0, λα(eˣ − 1) elsewhere, of every element, with λ = 1.05070098… and α = 1.67326324…; any shape.
    ///
    /// Gradient: g · λ where x ≥ 0, g · (y + λα) elsewhere. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, f32::NEG_INFINITY])?);
    /// let y = x.selu();
    /// assert_eq!(y.value().to_vec(), [0.0, -1.7580993]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.050701, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn selu(&self) -> Var<E> {
        let value = self.value().function(Function::Selu);
        self.activated("selu", value, Fusible::Selu)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "selu",
    formula: "λx where x > 0, λα(eˣ − 1) elsewhere",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].selu()).input("x", s.away_from_zero(&shape))
    },
};
