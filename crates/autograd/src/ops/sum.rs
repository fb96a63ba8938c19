//! Sum of all elements.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The sum of all elements, a scalar of shape `[]`.
    ///
    /// Gradient: g everywhere (a stretched view). Saves the shape only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 3.0])?);
    /// let y = x.sum();
    /// assert_eq!(y.value().item()?, 4.0);
    /// assert_eq!(y.backward()?[&x].to_vec(), [1.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn sum(&self) -> Var<E> {
        self.derive(self.value().sum(), || Sum {
            shape: self.shape().to_vec(),
        })
    }
}

struct Sum {
    shape: Vec<usize>,
}

impl<E: Element> Op<E> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.broadcast_to(&self.shape)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.broadcast_to(&self.shape)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sum",
    formula: "Σx",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].sum()).input("x", s.tensor(&shape))
    },
};
