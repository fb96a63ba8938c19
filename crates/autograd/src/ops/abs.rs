//! Absolute value.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// |x| of every element; any shape.
    ///
    /// Gradient: g · sign x, 0 at x = 0. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![3.0, 0.0, -4.0])?);
    /// let y = x.abs();
    /// assert_eq!(y.value().to_vec(), [3.0, 0.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 0.0, -1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn abs(&self) -> Var<E> {
        // `signum` is 1 at zero; the subgradient in the middle is 0.
        let slope = |g: E, x: E| {
            if x.is_zero() {
                E::zero()
            } else {
                g * x.signum()
            }
        };
        self.element_wise(
            "abs",
            self.value().abs(),
            Save::Input,
            slope,
            move |g, x| {
                g.mul(
                    &g.tape()
                        .constant(&x.value().map(move |x| slope(E::one(), x))),
                )
            },
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "abs",
    formula: "|x|",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].abs()).input("x", s.distinct(&shape))
    },
};
