//! Multiplication by a number.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `factor` · x for every element; any shape.
    ///
    /// Gradient: g · factor. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, -2.0])?);
    /// let y = x.scale(3.0);
    /// assert_eq!(y.value().to_vec(), [3.0, -6.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [3.0, 3.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn scale(&self, factor: E) -> Var<E> {
        self.derive(self.value().scale(factor), || Scale { factor })
    }
}

struct Scale<E> {
    factor: E,
}

impl<E: Element> Op<E> for Scale<E> {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.scale(self.factor))])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.scale(self.factor))])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "scale",
    formula: "factor · x",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let factor = s.number(-3.0, 3.0);
        Sample::new(move |v| v[0].scale(factor)).input("x", s.tensor(&shape))
    },
};
