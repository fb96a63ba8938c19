//! Several variables, one after the other.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// `parts` one after the other along `axis`; their other dimensions must agree.
    ///
    /// Gradients: the parts of g (views). Saves the lengths only.
    ///
    /// ```
    /// # use taper_autograd::{Tape, Var};
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([1], vec![1.0])?);
    /// let b = tape.constant(&Tensor::from_vec([2], vec![2.0, 3.0])?);
    /// let y = Var::concat(&[&a, &b, &a], 0)?;
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0, 1.0]);
    /// assert_eq!(y.sum().backward()?[&a].to_vec(), [2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there are no parts, the shapes do not fit, or the variables belong to different tapes.
    pub fn concat(parts: &[&Var<E>], axis: usize) -> Result<Var<E>> {
        let [first, ..] = parts else {
            return Err(Error::shape("concat", "there are no parts to put together"));
        };
        let values: Vec<&Tensor<E>> = parts.iter().map(|part| part.value()).collect();
        let value = Tensor::concat(&values, axis)?;
        first.tape().record(parts, value, || Concat {
            axis,
            lengths: parts.iter().map(|part| part.shape()[axis]).collect(),
        })
    }
}

struct Concat {
    axis: usize,
    lengths: Vec<usize>,
}

impl<E: Element> Op<E> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let mut start = 0;
        let parts = self.lengths.iter().zip(wanted).map(|(length, &wanted)| {
            let range = start..start + length;
            start = range.end;
            wanted.then(|| gradient.slice(self.axis, range)).transpose()
        });
        parts.collect()
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let mut start = 0;
        let parts = self.lengths.iter().enumerate().map(|(i, length)| {
            let range = start..start + length;
            start = range.end;
            let wanted = place.wants(i);
            wanted.then(|| gradient.slice(self.axis, range)).transpose()
        });
        parts.collect()
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "concat",
    formula: "[a, b, …]",
    sample: |s| {
        let shape = s.shape(1, 3, 3);
        let axis = s.integer(0, shape.len() - 1);
        let function =
            move |parts: &[Var<f64>]| Var::concat(&parts.iter().collect::<Vec<_>>(), axis);
        let count = s.integer(1, 3);
        let part = |i| {
            let mut shape = shape.clone();
            shape[axis] = s.integer(1, 3);
            (format!("part {i}"), s.tensor(&shape))
        };
        Sample::new(function).inputs_from((0..count).map(part))
    },
};
