//! The logarithm of 1 + x.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// ln(1 + x) of every element, with all digits near 0; any shape. −∞ of −1, NaN below.
    ///
    /// Gradient: g / (1 + x). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 1e-20])?);
    /// let y = x.log1p();
    /// assert_eq!(y.value().to_vec(), [2f64.ln(), 1e-20]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec()[0], 0.5);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn log1p(&self) -> Var<E> {
        self.element_wise(
            "log1p",
            self.value().log1p(),
            Save::Input,
            |g, x| g / (x + E::one()),
            |g, x| g.div(&x.shift(E::one())),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "log1p",
    formula: "ln(1 + x)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].log1p()).input("x", s.positive(&shape))
    },
};
