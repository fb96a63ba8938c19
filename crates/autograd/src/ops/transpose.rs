//! All axes in reverse order.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The axes in reverse order: a matrix transposed, as a view.
    ///
    /// Gradient: g transposed. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let y = x.transpose();
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 2.0, 4.0]);
    /// let gradient = Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(y.backward_with(&gradient)?[&x].to_vec(), [1.0, 3.0, 2.0, 4.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn transpose(&self) -> Var<E> {
        self.derive(self.value().transpose(), || Transpose)
    }
}

struct Transpose;

impl<E: Element> Op<E> for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.transpose())])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.transpose())])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "transpose",
    formula: "xᵀ",
    sample: |s| {
        let shape = s.shape(0, 4, 3);
        Sample::new(|v| v[0].transpose()).input("x", s.tensor(&shape))
    },
};
