//! Exponential linear unit (Clevert, Unterthiner, Hochreiter 2016), with α = 1.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// x where x > 0, eˣ − 1 elsewhere, of every element; any shape.
    ///
    /// Gradient: g where x ≥ 0, g · (y + 1) elsewhere for the output y, which it saves.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![2.0, 0.0, f32::NEG_INFINITY])?);
    /// let y = x.elu();
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0, -1.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn elu(&self) -> Var<E> {
        let value = self.value().function(Function::Elu);
        self.element_wise(
            "elu",
            value,
            Save::Output,
            |g, y| {
                g * if y >= E::zero() {
                    E::one()
                } else {
                    y + E::one()
                }
            },
            |g, y| {
                // 1 above 0, and y + 1 below.
                let below = y
                    .value()
                    .map(|y| if y >= E::zero() { E::zero() } else { E::one() });
                g.mul(&y.mul(&g.tape().constant(&below))?.shift(E::one()))
            },
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "elu",
    formula: "x where x > 0, eˣ − 1 elsewhere",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].elu()).input("x", s.away_from_zero(&shape))
    },
};
