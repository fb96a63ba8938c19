//! Logarithm of the softmax along an axis.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// xᵢ − ln Σⱼ e^xⱼ along `axis`: the logarithm of the softmax, exact also where the softmax rounds to 0; the
    /// shape stays.
    ///
    /// Gradient: g − eʸ · Σ g for the output y, which it saves; finite also where y is −∞.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2], vec![0.0, 1000.0])?);
    /// assert_eq!(x.log_softmax(1)?.value().to_vec(), [-1000.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn log_softmax(&self, axis: usize) -> Result<Var<E>> {
        let output = self.value().log_softmax(axis)?;
        Ok(self.derive(output.clone(), || LogSoftmax { output, axis }))
    }
}

struct LogSoftmax<E: Element> {
    output: Tensor<E>,
    axis: usize,
}

impl<E: Element> Op<E> for LogSoftmax<E> {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let total = gradient.sum_axes(&[self.axis], true)?;
        Ok(vec![Some(gradient.sub(&self.output.exp().mul(&total)?)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let total = gradient.sum_axes(&[self.axis], true)?;
        let softmax = place.output(&self.output).exp();
        Ok(vec![Some(gradient.sub(&softmax.mul(&total)?)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "log_softmax",
    formula: "xᵢ − ln Σⱼ e^xⱼ",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        Sample::new(move |v| v[0].log_softmax(axis)).input("x", s.tensor(&shape))
    },
};
