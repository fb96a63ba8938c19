//! x².

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// x² of every element; any shape.
    ///
    /// Gradient: 2 · g · x. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![3.0, -4.0])?);
    /// let y = x.square();
    /// assert_eq!(y.value().to_vec(), [9.0, 16.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [6.0, -8.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn square(&self) -> Var<E> {
        self.element_wise(
            "square",
            self.value().square(),
            Save::Input,
            |g, x| g * (x + x),
            |g, x| Ok(g.mul(x)?.scale(E::from_f64(2.0))),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "square",
    formula: "x²",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].square()).input("x", s.tensor(&shape))
    },
};
