//! The error function.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// 2/√π ∫₀ˣ e^(−t²) dt of every element; any shape.
    ///
    /// Gradient: g · 2/√π · e^(−x²). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.erf();
    /// assert_eq!(y.value().to_vec(), [0.0, 1.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [std::f32::consts::FRAC_2_SQRT_PI, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn erf(&self) -> Var<E> {
        self.derive(self.value().erf(), || Erf {
            x: self.value().clone(),
        })
    }
}

struct Erf<E: Element> {
    x: Tensor<E>,
}

impl<E: Element> Op<E> for Erf<E> {
    fn name(&self) -> &'static str {
        "erf"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let factor = E::from_f64(std::f64::consts::FRAC_2_SQRT_PI);
        let slope = self.x.map(|x| -x * x).exp();
        let product = Tensor::zip_owned("erf", slope, gradient, |slope, g| slope * factor * g)?;
        Ok(vec![Some(product)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let factor = E::from_f64(std::f64::consts::FRAC_2_SQRT_PI);
        let slope = place.input(0, &self.x).square().neg().exp();
        Ok(vec![Some(gradient.mul(&slope.scale(factor))?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "erf",
    formula: "2/√π ∫₀ˣ e^(−t²) dt",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].erf()).input("x", s.tensor(&shape))
    },
};
