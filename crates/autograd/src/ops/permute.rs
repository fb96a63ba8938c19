//! Axes in another order.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The axes in another order, as a view: axis i of the result is axis `axes[i]` of `self`.
    ///
    /// Gradient: g with the axes put back. Saves the order only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::<f32>::ones([2, 3, 4]));
    /// let y = x.permute(&[2, 0, 1])?;
    /// assert_eq!(y.shape(), [4, 2, 3]);
    /// assert_eq!(y.sum().backward()?[&x].shape(), [2, 3, 4]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `axes` does not name every axis once.
    pub fn permute(&self, axes: &[usize]) -> Result<Var<E>> {
        let value = self.value().permute(axes)?;
        Ok(self.derive(value, || Permute {
            axes: axes.to_vec(),
        }))
    }
}

struct Permute {
    axes: Vec<usize>,
}

impl<E: Element> Op<E> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let mut back = vec![0; self.axes.len()];
        for (to, &from) in self.axes.iter().enumerate() {
            back[from] = to;
        }
        Ok(vec![Some(gradient.permute(&back)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let mut back = vec![0; self.axes.len()];
        for (to, &from) in self.axes.iter().enumerate() {
            back[from] = to;
        }
        Ok(vec![Some(gradient.permute(&back)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "permute",
    formula: "x with axes reordered",
    sample: |s| {
        let shape = s.shape(0, 4, 3);
        let axes = s.some_of(shape.len(), shape.len());
        Sample::new(move |v| v[0].permute(&axes)).input("x", s.tensor(&shape))
    },
};
