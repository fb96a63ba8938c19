//! A smooth relu.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// ln(1 + eˣ) of every element; any shape. Nothing overflows, and small values keep their digits.
    ///
    /// Gradient: g · σ(x) with σ the sigmoid. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 1000.0])?);
    /// let y = x.softplus();
    /// assert_eq!(y.value().to_vec(), [std::f32::consts::LN_2, 1000.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn softplus(&self) -> Var<E> {
        self.by_slope(
            "softplus",
            Function::Softplus,
            Function::Sigmoid,
            E::one(),
            |x| Ok(x.sigmoid()),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "softplus",
    formula: "ln(1 + eˣ)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].softplus()).input("x", s.tensor(&shape))
    },
};
