//! Negation.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// −x of every element; any shape.
    ///
    /// Gradient: −g. Saves nothing (it is a [`Var::scale`]).
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, -2.0])?);
    /// let y = x.neg();
    /// assert_eq!(y.value().to_vec(), [-1.0, 2.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [-1.0, -1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn neg(&self) -> Var<E> {
        self.scale(-E::one())
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "neg",
    formula: "−x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].neg()).input("x", s.tensor(&shape))
    },
};
