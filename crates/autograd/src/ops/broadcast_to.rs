//! Stretching to a larger shape.

use crate::gradcheck::{Sample, Spec};
use crate::support::{unbroadcast, unbroadcast_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `self` stretched to `shape` by NumPy's rules, as a view.
    ///
    /// Gradient: g summed over what was stretched. Saves the shape only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let y = x.broadcast_to(&[3, 2])?;
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [3.0, 3.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shape does not broadcast to `shape`.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Var<E>> {
        let value = self.value().broadcast_to(shape)?;
        Ok(self.derive(value, || BroadcastTo {
            shape: self.shape().to_vec(),
        }))
    }
}

struct BroadcastTo {
    shape: Vec<usize>,
}

impl<E: Element> Op<E> for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(unbroadcast(gradient, &self.shape)?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Ok(vec![Some(unbroadcast_on_tape(
            gradient.clone(),
            &self.shape,
        )?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "broadcast_to",
    formula: "x stretched",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let smaller = s.broadcastable(&shape);
        Sample::new(move |v| v[0].broadcast_to(&shape)).input("x", s.tensor(&smaller))
    },
};
