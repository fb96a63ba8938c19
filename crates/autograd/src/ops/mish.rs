//! Mish (Misra 2019).

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// x · tanh(ln(1 + eˣ)) of every element; any shape. At ±∞ the limits, ∞ and 0 (frameworks that compute the product have
    /// NaN at −∞).
    ///
    /// Gradient: g times the slope of that. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.mish();
    /// assert_eq!(y.value().to_vec(), [0.0, 100.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.6, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn mish(&self) -> Var<E> {
        self.by_slope("mish", Function::Mish, Function::MishSlope, E::one(), |x| {
            // t + x · (1 − t²) · sigmoid(x), with t = tanh(softplus(x))
            let t = x.softplus().tanh();
            let rest = t.square().neg().shift(E::one());
            t.add(&x.mul(&rest)?.mul(&x.sigmoid())?)
        })
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "mish",
    formula: "x · tanh(ln(1 + eˣ))",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].mish()).input("x", s.tensor(&shape))
    },
};
