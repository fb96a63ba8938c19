//! Log-sum-exp along an axis.

use crate::gradcheck::{Sample, Spec};
use crate::support::{stretch, stretch_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// ln Σ eˣ along `axis`, which is dropped from the shape, or kept as 1 if `keep_dims`. Exact for large x.
    ///
    /// Of −∞ alone it is −∞; the gradient is then shared equally, as by the softmax of such a row.
    ///
    /// Gradient: g · softmax(x). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2], vec![0.0, 1000.0])?);
    /// let y = x.log_sum_exp(1, false)?;
    /// assert_eq!(y.value().to_vec(), [1000.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn log_sum_exp(&self, axis: usize, keep_dims: bool) -> Result<Var<E>> {
        let value = self.value().log_sum_exp(axis, keep_dims)?;
        Ok(self.derive(value, || LogSumExp {
            input: self.value().clone(),
            axis,
            keep_dims,
        }))
    }
}

struct LogSumExp<E: Element> {
    input: Tensor<E>,
    axis: usize,
    keep_dims: bool,
}

impl<E: Element> Op<E> for LogSumExp<E> {
    fn name(&self) -> &'static str {
        "log_sum_exp"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let gradient = stretch(&gradient, self.input.shape(), &[self.axis], self.keep_dims)?;
        Ok(vec![Some(self.input.softmax(self.axis)?.mul(&gradient)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let gradient = stretch_on_tape(gradient, self.input.shape(), &[self.axis], self.keep_dims)?;
        let softmax = place.input(0, &self.input).softmax(self.axis)?;
        Ok(vec![Some(softmax.mul(&gradient)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "log_sum_exp",
    formula: "ln Σ eˣ",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let (axis, keep_dims) = (s.integer(0, shape.len() - 1), s.coin());
        Sample::new(move |v| v[0].log_sum_exp(axis, keep_dims)).input("x", s.tensor(&shape))
    },
};
