//! A sum and relu behind it, in one pass: the end of a residual block.
//!
//! Its value and its gradient are written into memory that nobody else holds any more, where there is such: both move no
//! more bytes than they must.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// max(a + b, 0), element by element, for a and b of the same shape; the same bits as `a.add(&b)?.relu()`. A clone of
    /// a variable keeps its value alive; give variables away that are not needed any more, and their memory is used
    /// again.
    ///
    /// # Errors
    /// If the shapes differ; variables of different tapes.
    ///
    /// ```
    /// use taper_autograd::Tape;
    /// use taper_tensor::Tensor;
    ///
    /// let tape = Tape::<f32>::new();
    /// let a = tape.parameter(&Tensor::from_vec([3], vec![1.0, -2.0, 3.0])?);
    /// let b = tape.parameter(&Tensor::from_vec([3], vec![1.0, 1.0, -3.0])?);
    /// assert_eq!(a.add_relu(b)?.value().to_vec(), [2.0, 0.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn add_relu(self, other: Var<E>) -> Result<Var<E>> {
        if self.shape() != other.shape() {
            let message = format!(
                "{:?} and {:?}: the shapes must be the same",
                self.shape(),
                other.shape()
            );
            return Err(Error::shape("add_relu", message));
        }
        let (a, first) = self.without_value();
        let (b, second) = other.without_value();
        let sum = |a: E, b: E| {
            let sum = a + b;
            if sum < E::zero() { E::zero() } else { sum }
        };
        let value = Tensor::zip_owned("add_relu", first, second, sum)?;
        let output = value.clone();
        a.tape().record(&[&a, &b], value, || AddRelu { output })
    }
}

struct AddRelu<E: Element> {
    output: Tensor<E>,
}

impl<E: Element> Op<E> for AddRelu<E> {
    fn name(&self) -> &'static str {
        "add_relu"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let through = |gradient: E, output: E| {
            if output > E::zero() {
                gradient
            } else {
                E::zero()
            }
        };
        let gradient = Tensor::zip_owned("add_relu", gradient, self.output, through)?;
        let [a, b] = [wanted[0], wanted[1]].map(|wanted| wanted.then(|| gradient.clone()));
        Ok(vec![a, b])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let open = |output: E| {
            if output > E::zero() {
                E::one()
            } else {
                E::zero()
            }
        };
        let back = gradient.mul(&place.constant(&self.output.map(open)))?;
        Ok([0, 1]
            .map(|i| place.wants(i).then(|| back.clone()))
            .to_vec())
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "add_relu",
    formula: "max(a + b, 0)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let a = s.tensor(&shape);
        // No sum is near the kink.
        let sum = s.distinct(&shape);
        let b = Tensor::from_fn(&shape[..], |i| sum.to_vec()[i] - a.to_vec()[i]);
        Sample::new(|v| v[0].clone().add_relu(v[1].clone()))
            .input("a", a)
            .input("b", b)
    },
};
