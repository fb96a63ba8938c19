//! Sums along axes.

use crate::gradcheck::{Sample, Spec};
use crate::support::{stretch, stretch_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The sums along `axes`, which are dropped from the shape, or kept as 1 if `keep_dims`.
    ///
    /// Gradient: g, stretched along the axes (a view). Saves the shape only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let y = x.sum_axes(&[0], false)?;
    /// assert_eq!(y.value().to_vec(), [4.0, 6.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0; 4]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn sum_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Var<E>> {
        let value = self.value().sum_axes(axes, keep_dims)?;
        Ok(self.derive(value, || SumAxes {
            shape: self.shape().to_vec(),
            axes: axes.to_vec(),
            keep_dims,
        }))
    }
}

struct SumAxes {
    shape: Vec<usize>,
    axes: Vec<usize>,
    keep_dims: bool,
}

impl<E: Element> Op<E> for SumAxes {
    fn name(&self) -> &'static str {
        "sum_axes"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(stretch(
            &gradient,
            &self.shape,
            &self.axes,
            self.keep_dims,
        )?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let back = stretch_on_tape(gradient, &self.shape, &self.axes, self.keep_dims)?;
        Ok(vec![Some(back)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sum_axes",
    formula: "Σx along axes",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let (axes, keep_dims) = (s.axes(shape.len()), s.coin());
        Sample::new(move |v| v[0].sum_axes(&axes, keep_dims)).input("x", s.tensor(&shape))
    },
};
