//! Padding with a value.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `self` with `value` around it: `before_after` has a pair of counts for every axis.
    ///
    /// Gradient: the part of g that is not padding (a view). Saves the counts only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let y = x.pad(&[(1, 2)], 7.0)?;
    /// assert_eq!(y.value().to_vec(), [7.0, 1.0, 2.0, 7.0, 7.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the number of pairs is not the number of axes.
    pub fn pad(&self, before_after: &[(usize, usize)], value: E) -> Result<Var<E>> {
        let padded = self.value().pad(before_after, value)?;
        Ok(self.derive(padded, || Pad {
            inside: before_after
                .iter()
                .zip(self.shape())
                .map(|(&(before, _), &length)| (before, length))
                .collect(),
        }))
    }
}

struct Pad {
    /// Where the input begins, and its length, along every axis.
    inside: Vec<(usize, usize)>,
}

impl<E: Element> Op<E> for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn backward(
        self: Box<Self>,
        mut gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        for (axis, &(start, length)) in self.inside.iter().enumerate() {
            gradient = gradient.slice(axis, start..start + length)?;
        }
        Ok(vec![Some(gradient)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let mut inside = gradient.clone();
        for (axis, &(start, length)) in self.inside.iter().enumerate() {
            inside = inside.slice(axis, start..start + length)?;
        }
        Ok(vec![Some(inside)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "pad",
    formula: "x with a value around it",
    sample: |s| {
        let shape = s.shape(0, 3, 3);
        let around: Vec<_> = shape
            .iter()
            .map(|_| (s.integer(0, 2), s.integer(0, 2)))
            .collect();
        let value = s.number(-1.0, 1.0);
        Sample::new(move |v| v[0].pad(&around, value)).input("x", s.tensor(&shape))
    },
};
