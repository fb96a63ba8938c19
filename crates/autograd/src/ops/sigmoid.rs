//! The logistic function.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// 1 / (1 + e⁻ˣ) of every element; any shape.
    ///
    /// Gradient: g · y · (1 − y) for the output y, which it saves. For a loss on a sigmoid prefer
    /// [`Var::sigmoid_binary_cross_entropy`], which does not lose the gradient when y rounds to 0 or 1.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1], vec![0.0])?);
    /// let y = x.sigmoid();
    /// assert_eq!(y.value().to_vec(), [0.5]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.25]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn sigmoid(&self) -> Var<E> {
        self.element_wise(
            "sigmoid",
            self.value().sigmoid(),
            Save::Output,
            |g, y| g * y * (E::one() - y),
            |g, y| g.mul(&y.sub(&y.square())?),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sigmoid",
    formula: "1 / (1 + e⁻ˣ)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].sigmoid()).input("x", s.tensor(&shape))
    },
};
