//! A new shape for the same elements.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The same elements in row-major order with another shape. Copies only a strided view.
    ///
    /// Gradient: g with the old shape. Saves the shape only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::<f32>::ones([2, 3]));
    /// let y = x.reshape([3, 2])?;
    /// assert_eq!(y.shape(), [3, 2]);
    /// assert_eq!(y.sum().backward()?[&x].shape(), [2, 3]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the new shape has another number of elements.
    pub fn reshape(&self, shape: impl Into<Vec<usize>>) -> Result<Var<E>> {
        let value = self.value().reshape(shape)?;
        Ok(self.derive(value, || Reshape {
            shape: self.shape().to_vec(),
        }))
    }
}

struct Reshape {
    shape: Vec<usize>,
}

impl<E: Element> Op<E> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.reshape(self.shape)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.reshape(self.shape.as_slice())?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "reshape",
    formula: "x with another shape",
    sample: |s| {
        let [a, b, c] = [s.integer(1, 4), s.integer(1, 4), s.integer(1, 4)];
        let shape = s.one_of(&[[a * b, c, 1], [c, a, b], [1, a * b * c, 1]]);
        Sample::new(move |v| v[0].reshape(shape)).input("x", s.tensor(&[a, b, c]))
    },
};
