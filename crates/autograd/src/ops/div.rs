//! Element-wise division.

use crate::gradcheck::{Sample, Spec};
use crate::support::{unbroadcast, unbroadcast_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `self` / `other`, element by element, with NumPy's broadcasting.
    ///
    /// Gradients: g / other and −g · self / other², summed over what broadcasting stretched. Saves `other`, and
    /// the quotient if the gradient of `other` is wanted. A divisor of 0 gives what IEEE 754 says: ±∞, or NaN for 0 / 0.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([2], vec![1.0, 3.0])?);
    /// let b = tape.parameter(&Tensor::scalar(2.0));
    /// let c = a.div(&b)?;
    /// assert_eq!(c.value().to_vec(), [0.5, 1.5]);
    /// let gradients = c.sum().backward()?;
    /// assert_eq!(gradients[&a].to_vec(), [0.5, 0.5]);
    /// assert_eq!(gradients[&b].to_vec(), [-1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or the variables belong to different tapes.
    pub fn div(&self, other: &Var<E>) -> Result<Var<E>> {
        let quotient = self.value().div(other.value())?;
        self.tape()
            .record(&[self, other], quotient.clone(), || Div {
                dividend_shape: self.shape().to_vec(),
                divisor: other.value().clone(),
                quotient: other.wants_gradient().then_some(quotient),
            })
    }
}

struct Div<E: Element> {
    dividend_shape: Vec<usize>,
    divisor: Tensor<E>,
    quotient: Option<Tensor<E>>,
}

impl<E: Element> Op<E> for Div<E> {
    fn name(&self) -> &'static str {
        "div"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let over = gradient.div(&self.divisor)?;
        drop(gradient);
        let divisor = match &self.quotient {
            // −g · a / b² = −(g / b) · (a / b)
            Some(quotient) => Some(unbroadcast(over.mul(quotient)?, self.divisor.shape())?.neg()),
            None => None,
        };
        let dividend = wanted[0]
            .then(|| unbroadcast(over, &self.dividend_shape))
            .transpose()?;
        Ok(vec![dividend, divisor])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let divisor = place.input(1, &self.divisor);
        let over = gradient.div(&divisor)?;
        let of_divisor = match &self.quotient {
            Some(quotient) if place.wants(1) => {
                let product = over.mul(&place.output(quotient))?;
                Some(unbroadcast_on_tape(product, divisor.shape())?.neg())
            }
            _ => None,
        };
        let of_dividend = match place.wants(0) {
            true => Some(unbroadcast_on_tape(over, &self.dividend_shape)?),
            false => None,
        };
        Ok(vec![of_dividend, of_divisor])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "div",
    formula: "a / b",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let smaller = s.broadcastable(&shape);
        let (a, b) = (s.away_from_zero(&shape), s.away_from_zero(&smaller));
        let (a, b) = if s.coin() { (a, b) } else { (b, a) };
        Sample::new(|v| v[0].div(&v[1])).input("a", a).input("b", b)
    },
};
