//! Sigmoid-weighted linear unit (Elfwing, Uchibe, Doya 2017), also called swish.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// x · σ(x) of every element, with σ the sigmoid; any shape. At ±∞ the limits, ∞ and 0 (frameworks that compute the
    /// product have NaN at −∞, and slopes of NaN at both).
    ///
    /// Gradient: g · (σ(x) + x · σ(x) · (1 − σ(x))). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.silu();
    /// assert_eq!(y.value().to_vec(), [0.0, 100.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn silu(&self) -> Var<E> {
        self.by_slope("silu", Function::Silu, Function::SiluSlope, E::one(), |x| {
            // s · (1 + x · (1 − s))
            let s = x.sigmoid();
            let rest = s.neg().shift(E::one());
            s.mul(&x.mul(&rest)?.shift(E::one()))
        })
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "silu",
    formula: "x / (1 + e⁻ˣ)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].silu()).input("x", s.tensor(&shape))
    },
};
