//! Softmax along an axis.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// e^xᵢ / Σⱼ e^xⱼ along `axis` (computed after subtraction of the maximum); the shape stays.
    ///
    /// Gradient: y · (g − Σ g · y) for the output y, which it saves. For a loss on a softmax prefer
    /// [`Var::softmax_cross_entropy`], which is exact where y rounds to 0.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::<f64>::zeros([1, 4]));
    /// let y = x.softmax(1)?;
    /// assert_eq!(y.value().to_vec(), [0.25; 4]);
    /// // The outputs sum to one whatever x is.
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0; 4]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn softmax(&self, axis: usize) -> Result<Var<E>> {
        let output = self.value().softmax(axis)?;
        Ok(self.derive(output.clone(), || Softmax { output, axis }))
    }
}

struct Softmax<E: Element> {
    output: Tensor<E>,
    axis: usize,
}

impl<E: Element> Op<E> for Softmax<E> {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let inner = gradient.mul(&self.output)?.sum_axes(&[self.axis], true)?;
        Ok(vec![Some(gradient.sub(&inner)?.mul(&self.output)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let output = place.output(&self.output);
        let inner = gradient.mul(&output)?.sum_axes(&[self.axis], true)?;
        Ok(vec![Some(gradient.sub(&inner)?.mul(&output)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "softmax",
    formula: "e^xᵢ / Σⱼ e^xⱼ",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        Sample::new(move |v| v[0].softmax(axis)).input("x", s.tensor(&shape))
    },
};
