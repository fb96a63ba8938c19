//! Square root.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// Square root of every element; any shape. NaN for negative elements; at zero the gradient is infinite.
    ///
    /// Gradient: g / 2√x; at −0, whose root is −0, it is −∞, as in TensorFlow. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 4.0])?);
    /// let y = x.sqrt();
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 0.25]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn sqrt(&self) -> Var<E> {
        self.element_wise(
            "sqrt",
            self.value().sqrt(),
            Save::Output,
            |g, y| g / (y + y),
            |g, y| g.div(&y.scale(E::from_f64(2.0))),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sqrt",
    formula: "√x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].sqrt()).input("x", s.positive(&shape))
    },
};
