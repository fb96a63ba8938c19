//! Rectified linear unit.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::ops::Fusible;

impl<E: Element> Var<E> {
    /// max(x, 0) of every element; any shape.
    ///
    /// Gradient: g where x > 0, 0 elsewhere (so at 0 and at NaN, which stays NaN itself). Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![-1.0, 0.0, 2.0])?);
    /// let y = x.relu();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 2.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 0.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn relu(&self) -> Var<E> {
        self.activated("relu", self.value().relu(), Fusible::Relu)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "relu",
    formula: "max(x, 0)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].relu()).input("x", s.distinct(&shape))
    },
};
