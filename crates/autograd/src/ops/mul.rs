//! Element-wise multiplication.

use crate::gradcheck::{Sample, Spec};
use crate::support::{unbroadcast, unbroadcast_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// `self` · `other`, element by element, with NumPy's broadcasting. (For the matrix product see [`Var::matmul`].)
    ///
    /// Gradients: g · other and g · self, summed over what broadcasting stretched. Saves, for each input whose
    /// gradient is wanted, the other one.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let b = tape.parameter(&Tensor::scalar(10.0));
    /// let c = a.mul(&b)?;
    /// assert_eq!(c.value().to_vec(), [10.0, 20.0]);
    /// let gradients = c.sum().backward()?;
    /// assert_eq!(gradients[&a].to_vec(), [10.0, 10.0]);
    /// assert_eq!(gradients[&b].to_vec(), [3.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast, or the variables belong to different tapes.
    pub fn mul(&self, other: &Var<E>) -> Result<Var<E>> {
        let value = self.value().mul(other.value())?;
        self.tape().record(&[self, other], value, || Mul {
            shapes: [self.shape().to_vec(), other.shape().to_vec()],
            a: self.saved_for(other),
            b: other.saved_for(self),
        })
    }
}

struct Mul<E: Element> {
    shapes: [Vec<usize>; 2],
    a: Option<Tensor<E>>,
    b: Option<Tensor<E>>,
}

impl<E: Element> Op<E> for Mul<E> {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let times = |saved: &Option<Tensor<E>>, shape: &[usize]| match saved {
            Some(saved) => unbroadcast(gradient.mul(saved)?, shape).map(Some),
            None => Ok(None),
        };
        Ok(vec![
            times(&self.b, &self.shapes[0])?,
            times(&self.a, &self.shapes[1])?,
        ])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let times = |i: usize, other: usize, saved: &Option<Tensor<E>>| match saved {
            Some(saved) if place.wants(i) => {
                let product = gradient.mul(&place.input(other, saved))?;
                unbroadcast_on_tape(product, &self.shapes[i]).map(Some)
            }
            _ => Ok(None),
        };
        Ok(vec![times(0, 1, &self.b)?, times(1, 0, &self.a)?])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "mul",
    formula: "a · b",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let smaller = s.broadcastable(&shape);
        let (a, b) = (s.tensor(&shape), s.tensor(&smaller));
        let (a, b) = if s.coin() { (a, b) } else { (b, a) };
        Sample::new(|v| v[0].mul(&v[1])).input("a", a).input("b", b)
    },
};
