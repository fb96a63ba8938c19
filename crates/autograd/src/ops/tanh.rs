//! Hyperbolic tangent.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// tanh x of every element; any shape.
    ///
    /// Gradient: g · (1 − y²) for the output y, which it saves.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1], vec![0.0])?);
    /// let y = x.tanh();
    /// assert_eq!(y.value().to_vec(), [0.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn tanh(&self) -> Var<E> {
        self.element_wise(
            "tanh",
            self.value().tanh(),
            Save::Output,
            |g, y| g * (E::one() - y * y),
            |g, y| g.sub(&g.mul(&y.square())?),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "tanh",
    formula: "tanh x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].tanh()).input("x", s.tensor(&shape))
    },
};
