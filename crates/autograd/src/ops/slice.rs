//! A range of an axis.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use std::ops::Range;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The entries `range` of `axis`, as a view.
    ///
    /// Gradient: g, with zeros for what was left out. Saves numbers only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([4], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let y = x.slice(0, 1..3)?;
    /// assert_eq!(y.value().to_vec(), [2.0, 3.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 1.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis or the range leaves it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Var<E>> {
        let value = self.value().slice(axis, range.clone())?;
        Ok(self.derive(value, || Slice {
            axis,
            before: range.start,
            after: self.shape()[axis] - range.end,
        }))
    }
}

struct Slice {
    axis: usize,
    before: usize,
    after: usize,
}

impl<E: Element> Op<E> for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let mut around = vec![(0, 0); gradient.rank()];
        around[self.axis] = (self.before, self.after);
        Ok(vec![Some(gradient.pad(&around, E::zero())?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let mut around = vec![(0, 0); gradient.shape().len()];
        around[self.axis] = (self.before, self.after);
        Ok(vec![Some(gradient.pad(&around, E::zero())?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "slice",
    formula: "x[start..end]",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        let start = s.integer(0, shape[axis] - 1);
        let end = s.integer(start + 1, shape[axis]);
        Sample::new(move |v| v[0].slice(axis, start..end)).input("x", s.tensor(&shape))
    },
};
