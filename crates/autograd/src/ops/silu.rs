//! Sigmoid-weighted linear unit (Elfwing, Uchibe, Doya 2017), also called swish.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::kernels::math::Function;
use taper_tensor::{Element, Result, Tensor};

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
        let value = self.value().function(Function::Silu);
        self.derive(value, || Silu {
            x: self.value().clone(),
        })
    }
}

struct Silu<E: Element> {
    x: Tensor<E>,
}

impl<E: Element> Op<E> for Silu<E> {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let slope = self.x.function(Function::SiluSlope);
        let product = Tensor::zip_owned("silu", slope, gradient, |slope, g| slope * g)?;
        Ok(vec![Some(product)])
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
