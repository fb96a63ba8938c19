//! Subtraction.

use crate::gradcheck::{Sample, Spec};
use crate::support::{unbroadcast, unbroadcast_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `self` − `other`, with NumPy's broadcasting.
    ///
    /// Gradients: g and −g, summed over what broadcasting stretched. Saves the shapes only.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let b = tape.parameter(&Tensor::scalar(10.0));
    /// let c = a.sub(&b)?;
    /// assert_eq!(c.value().to_vec(), [-9.0, -8.0]);
    /// let gradients = c.sum().backward()?;
    /// assert_eq!(gradients[&a].to_vec(), [1.0, 1.0]);
    /// assert_eq!(gradients[&b].to_vec(), [-2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or the variables belong to different tapes.
    pub fn sub(&self, other: &Var<E>) -> Result<Var<E>> {
        let value = self.value().sub(other.value())?;
        self.tape().record(&[self, other], value, || Sub {
            a: self.shape().to_vec(),
            b: other.shape().to_vec(),
        })
    }
}

struct Sub {
    a: Vec<usize>,
    b: Vec<usize>,
}

impl<E: Element> Op<E> for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        // Summed first, negated then: the smaller tensor is negated.
        let b = wanted[1]
            .then(|| unbroadcast(gradient.clone(), &self.b))
            .transpose()?
            .map(|b| b.neg());
        let a = wanted[0]
            .then(|| unbroadcast(gradient, &self.a))
            .transpose()?;
        Ok(vec![a, b])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let back = |i, shape: &[usize]| match place.wants(i) {
            true => unbroadcast_on_tape(gradient.clone(), shape).map(Some),
            false => Ok(None),
        };
        Ok(vec![back(0, &self.a)?, back(1, &self.b)?.map(|b| b.neg())])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sub",
    formula: "a − b",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let smaller = s.broadcastable(&shape);
        let (a, b) = (s.tensor(&shape), s.tensor(&smaller));
        let (a, b) = if s.coin() { (a, b) } else { (b, a) };
        Sample::new(|v| v[0].sub(&v[1])).input("a", a).input("b", b)
    },
};
