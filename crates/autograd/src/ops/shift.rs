//! Addition of a number.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// x + `amount` for every element; any shape.
    ///
    /// Gradient: g. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, -2.0])?);
    /// let y = x.shift(3.0);
    /// assert_eq!(y.value().to_vec(), [4.0, 1.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn shift(&self, amount: E) -> Var<E> {
        self.derive(self.value().shift(amount), || Shift)
    }
}

struct Shift;

impl<E: Element> Op<E> for Shift {
    fn name(&self) -> &'static str {
        "shift"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.clone())])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "shift",
    formula: "x + amount",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let amount = s.number(-3.0, 3.0);
        Sample::new(move |v| v[0].shift(amount)).input("x", s.tensor(&shape))
    },
};
