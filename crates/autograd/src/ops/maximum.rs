//! Element-wise maximum of two variables.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::choose;
use taper_tensor::{Element, Result};

impl<E: Element> Var<E> {
    /// The greater of `self` and `other`, element by element, with NumPy's broadcasting.
    ///
    /// Gradients: g for the greater one, half of it for each of two equal ones, summed over what broadcasting
    /// stretched. Saves both inputs.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([2], vec![1.0, 5.0])?);
    /// let b = tape.parameter(&Tensor::scalar(2.0));
    /// let c = a.maximum(&b)?;
    /// assert_eq!(c.value().to_vec(), [2.0, 5.0]);
    /// let gradients = c.sum().backward()?;
    /// assert_eq!(gradients[&a].to_vec(), [0.0, 1.0]);
    /// assert_eq!(gradients[&b].to_vec(), [1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or the variables belong to different tapes.
    pub fn maximum(&self, other: &Var<E>) -> Result<Var<E>> {
        choose(
            "maximum",
            self,
            other,
            self.value().maximum(other.value())?,
            |a, b| a > b,
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "maximum",
    formula: "max(a, b)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let smaller = s.broadcastable(&shape);
        let (a, b) = s.distinct_pair(&shape, &smaller);
        let (a, b) = if s.coin() { (a, b) } else { (b, a) };
        Sample::new(|v| v[0].maximum(&v[1]))
            .input("a", a)
            .input("b", b)
    },
};
