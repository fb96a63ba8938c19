//! The sine.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::Element;
use taper_tensor::kernels::math::Function;

impl<E: Element> Var<E> {
    /// The sine of every element; any shape. NaN of infinite ones.
    ///
    /// Gradient: g · cos x. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, std::f32::consts::FRAC_PI_2])?);
    /// let y = x.sin();
    /// assert_eq!(y.value().to_vec(), [0.0, 1.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, -4.371139e-8]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn sin(&self) -> Var<E> {
        self.by_slope("sin", Function::Sin, Function::Cos, E::one(), |x| {
            Ok(x.cos())
        })
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sin",
    formula: "sin x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].sin()).input("x", s.tensor(&shape))
    },
};
