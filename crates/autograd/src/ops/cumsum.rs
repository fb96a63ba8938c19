//! Sums of all that came before.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Cumulative, Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The sums of all values along `axis` up to each; with or without itself, from the front or from the end, as `how` says.
    ///
    /// Gradient: the same sums of g in the other direction. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Cumulative, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![1.0, 2.0, 3.0])?);
    /// let y = x.cumsum(0, Cumulative::default())?;
    /// assert_eq!(y.value().to_vec(), [1.0, 3.0, 6.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [3.0, 2.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn cumsum(&self, axis: usize, how: Cumulative) -> Result<Var<E>> {
        let value = self.value().cumsum(axis, how)?;
        Ok(self.derive(value, || Cumsum { axis, how }))
    }
}

struct Cumsum {
    axis: usize,
    how: Cumulative,
}

impl Cumsum {
    fn back(&self) -> Cumulative {
        Cumulative {
            reverse: !self.how.reverse,
            ..self.how
        }
    }
}

impl<E: Element> Op<E> for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.cumsum(self.axis, self.back())?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(gradient.cumsum(self.axis, self.back())?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "cumsum",
    formula: "Σⱼ≤ᵢ xⱼ",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        let how = Cumulative {
            exclusive: s.coin(),
            reverse: s.coin(),
        };
        Sample::new(move |v| v[0].cumsum(axis, how)).input("x", s.tensor(&shape))
    },
};
