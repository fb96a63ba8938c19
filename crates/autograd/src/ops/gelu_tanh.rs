//! Gaussian error linear unit (Hendrycks, Gimpel 2016), nearly.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// x · (½ + ½ tanh(√(2/π) (x + 0.044715 x³))) of every element; any shape: [`gelu`](Self::gelu) to within 0.0005. At ±∞ the
    /// limits, ∞ and 0.
    ///
    /// Gradient: g times the slope of that. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.gelu_tanh();
    /// assert_eq!(y.value().to_vec(), [0.0, 100.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn gelu_tanh(&self) -> Var<E> {
        self.by_slope(
            "gelu_tanh",
            Function::GeluTanh,
            Function::GeluTanhSlope,
            E::one(),
            |x| {
                // (1 + t) / 2 + x · (1 − t²) · u′ / 2, with t = tanh(u) and u = √(2/π) · (x + 0.044715 · x³)
                let (root, cubic) = ((2.0 / std::f64::consts::PI).sqrt(), 0.044715);
                let square = x.square();
                let inner = square.scale(E::from_f64(cubic)).shift(E::one());
                let t = x.mul(&inner)?.scale(E::from_f64(root)).tanh();
                let slope = square.scale(E::from_f64(3.0 * cubic)).shift(E::one());
                let rest = t.square().neg().shift(E::one()).mul(&slope)?;
                let bent = x.mul(&rest)?.scale(E::from_f64(root));
                Ok(t.shift(E::one()).add(&bent)?.scale(E::from_f64(0.5)))
            },
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "gelu_tanh",
    formula: "x · σ(√(8/π) (x + 0.044715 x³))",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].gelu_tanh()).input("x", s.tensor(&shape))
    },
};
