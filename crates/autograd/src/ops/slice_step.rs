//! Every so-manyth entry of an axis, forwards or backwards.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use std::ops::Range;
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Every `step`-th entry of `range` along `axis`: with a positive step from its start on (a view), with a negative one from
    /// its last entry backwards (a copy). So `(0..n, -1)` turns the axis around.
    ///
    /// Gradient: g where the entries came from, zeros elsewhere. Saves numbers only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([4], vec![1.0, 2.0, 3.0, 4.0])?);
    /// assert_eq!(x.slice_step(0, 0..4, -1)?.value().to_vec(), [4.0, 3.0, 2.0, 1.0]);
    /// let y = x.slice_step(0, 0..4, 3)?;
    /// assert_eq!(y.value().to_vec(), [1.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis, the range leaves it, or the step is 0.
    pub fn slice_step(&self, axis: usize, range: Range<usize>, step: isize) -> Result<Var<E>> {
        let value = self.value().slice_step(axis, range.clone(), step)?;
        Ok(self.derive(value, || SliceStep {
            axis,
            range,
            step,
            length: self.shape()[axis],
        }))
    }
}

struct SliceStep {
    axis: usize,
    range: Range<usize>,
    step: isize,
    length: usize,
}

impl SliceStep {
    /// Where the entries came from.
    fn positions(&self) -> Vec<usize> {
        let (range, stride) = (self.range.clone(), self.step.unsigned_abs());
        if self.step > 0 {
            range.step_by(stride).collect()
        } else {
            range.rev().step_by(stride).collect()
        }
    }
}

impl<E: Element> Op<E> for SliceStep {
    fn name(&self) -> &'static str {
        "slice_step"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let back = gradient.add_at(self.axis, &self.positions(), self.length)?;
        Ok(vec![Some(back)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        // The axis in front, for rows that are added where they came from.
        let axes = gradient.shape().len();
        let to_front: Vec<usize> = std::iter::once(self.axis)
            .chain((0..axes).filter(|&axis| axis != self.axis))
            .collect();
        let mut back: Vec<usize> = (1..axes).collect();
        back.insert(self.axis, 0);
        let rows = gradient.permute(&to_front)?;
        let rows = rows.scatter_add(&self.positions(), self.length)?;
        Ok(vec![Some(rows.permute(&back)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "slice_step",
    formula: "x[start..end; step]",
    sample: |s| {
        let shape = s.shape(1, 3, 5);
        let axis = s.integer(0, shape.len() - 1);
        let start = s.integer(0, shape[axis] - 1);
        let end = s.integer(start + 1, shape[axis]);
        let step = s.one_of(&[1, 2, 3, -1, -2, -3]);
        Sample::new(move |v| v[0].slice_step(axis, start..end, step)).input("x", s.tensor(&shape))
    },
};
