//! eˣ.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// eˣ of every element; any shape.
    ///
    /// Gradient: g · eˣ. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 1.0])?);
    /// let y = x.exp();
    /// let gradients = y.sum().backward()?;
    /// assert_eq!(gradients[&x].to_vec(), y.value().to_vec());
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn exp(&self) -> Var<E> {
        self.element_wise(
            "exp",
            self.value().exp(),
            Save::Output,
            |g, y| g * y,
            |g, y| g.mul(y),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "exp",
    formula: "eˣ",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].exp()).input("x", s.tensor(&shape))
    },
};
