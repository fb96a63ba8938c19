//! The exponential less 1.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// eˣ − 1 of every element, with all digits near 0; any shape.
    ///
    /// Gradient: g · eˣ. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 1e-20])?);
    /// let y = x.expm1();
    /// assert_eq!(y.value().to_vec(), [0.0, 1e-20]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec()[0], 1.0);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn expm1(&self) -> Var<E> {
        self.element_wise(
            "expm1",
            self.value().expm1(),
            Save::Output,
            |g, y| g * (y + E::one()),
            |g, y| g.mul(&y.shift(E::one())),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "expm1",
    formula: "eˣ − 1",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].expm1()).input("x", s.tensor(&shape))
    },
};
