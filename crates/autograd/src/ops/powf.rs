//! A fixed power.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// x^`exponent` of every element; any shape. NaN for negative elements unless the exponent is whole.
    ///
    /// Gradient: g · p · x^(p − 1) for the exponent p, and 0 everywhere if p is 0, where the power is 1 whatever x is. At
    /// x = 0 that is 0 for p > 1, g for p = 1, infinite for others. Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![2.0, 4.0])?);
    /// let gradients = x.powf(2.0).sum().backward()?;
    /// assert_eq!(gradients[&x].to_vec(), [4.0, 8.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn powf(&self, exponent: E) -> Var<E> {
        self.derive(self.value().powf(exponent), || Powf {
            x: self.value().clone(),
            exponent,
        })
    }
}

struct Powf<E: Element> {
    x: Tensor<E>,
    exponent: E,
}

impl<E: Element> Op<E> for Powf<E> {
    fn name(&self) -> &'static str {
        "powf"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let exponent = self.exponent;
        if exponent.is_zero() {
            return Ok(vec![Some(Tensor::zeros(self.x.shape()))]);
        }
        let power = self.x.powf(exponent - E::one());
        let product = Tensor::zip_owned("powf", power, gradient, |power, g| g * exponent * power)?;
        Ok(vec![Some(product)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let exponent = self.exponent;
        if exponent.is_zero() {
            return Ok(vec![None]);
        }
        let power = place.input(0, &self.x).powf(exponent - E::one());
        Ok(vec![Some(gradient.mul(&power.scale(exponent))?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "powf",
    formula: "x^p",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let exponent = s.number(-2.0, 3.0);
        Sample::new(move |v| v[0].powf(exponent)).input("x", s.positive(&shape))
    },
};
