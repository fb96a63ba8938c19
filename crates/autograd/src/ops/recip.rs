//! Reciprocal.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// 1 / x of every element; any shape.
    ///
    /// Gradient: −g / x²: −∞ at 0, 0 at ±∞. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![2.0, -4.0])?);
    /// let y = x.recip();
    /// assert_eq!(y.value().to_vec(), [0.5, -0.25]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [-0.25, -0.0625]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn recip(&self) -> Var<E> {
        self.element_wise(
            "recip",
            self.value().recip(),
            Save::Output,
            |g, y| -g * y * y,
            |g, y| Ok(g.mul(&y.square())?.neg()),
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "recip",
    formula: "1 / x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].recip()).input("x", s.away_from_zero(&shape))
    },
};
