//! Gaussian error linear unit (Hendrycks, Gimpel 2016), exactly.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// x · Φ(x) of every element, with Φ the standard normal distribution, ½ + ½ erf(x / √2); any shape. At ±∞ the limits, ∞ and
    /// 0 (frameworks that compute the product have NaN at −∞, and slopes of NaN at both).
    ///
    /// Gradient: g · (Φ(x) + x · φ(x)), with φ the density, e^(−x² / 2) / √2π. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.gelu();
    /// assert_eq!(y.value().to_vec(), [0.0, 100.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn gelu(&self) -> Var<E> {
        self.by_slope("gelu", Function::Gelu, Function::GeluSlope, E::one(), |x| {
            // Φ(x) + x · φ(x)
            use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
            let half = E::from_f64(0.5);
            let below = x
                .scale(E::from_f64(FRAC_1_SQRT_2))
                .erf()
                .shift(E::one())
                .scale(half);
            let density = x.square().scale(-half).exp();
            let factor = E::from_f64(0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI);
            below.add(&x.mul(&density)?.scale(factor))
        })
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "gelu",
    formula: "x · Φ(x)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].gelu()).input("x", s.tensor(&shape))
    },
};
