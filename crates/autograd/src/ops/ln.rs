//! Natural logarithm.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// Natural logarithm of every element; any shape. NaN for negative elements, −∞ for zero.
    ///
    /// Gradient: g / x, infinite at 0 (and NaN there if g is 0). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 4.0])?);
    /// let gradients = x.ln().sum().backward()?;
    /// assert_eq!(gradients[&x].to_vec(), [1.0, 0.25]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn ln(&self) -> Var<E> {
        self.element_wise(
            "ln",
            self.value().ln(),
            Save::Input,
            |g, x| g / x,
            |g, x| g.div(x),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "ln",
    formula: "ln x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].ln()).input("x", s.positive(&shape))
    },
};
