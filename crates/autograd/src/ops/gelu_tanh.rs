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
