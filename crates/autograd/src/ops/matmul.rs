//! Matrix product.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The matrix product: `[m, k]` · `[k, n]` → `[m, n]`, or one for each entry of a first axis that both share.
    ///
    /// Transposed views are read in place. Gradients: g · otherᵀ and selfᵀ · g. Saves, for each input whose
    /// gradient is wanted, the other one.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.constant(&Tensor::from_vec([1, 2], vec![1.0, 2.0])?);
    /// let b = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let c = a.matmul(&b)?;
    /// assert_eq!(c.value().to_vec(), [7.0, 10.0]);
    /// assert_eq!(c.sum().backward()?[&b].to_vec(), [1.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the ranks are not both 2 or both 3, the inner or the first dimensions differ, or the variables belong to
    /// different tapes.
    pub fn matmul(&self, other: &Var<E>) -> Result<Var<E>> {
        let value = self.value().matmul(other.value())?;
        self.tape().record(&[self, other], value, || MatMul {
            a: self.saved_for(other),
            b: other.saved_for(self),
        })
    }
}

struct MatMul<E: Element> {
    a: Option<Tensor<E>>,
    b: Option<Tensor<E>>,
}

impl<E: Element> Op<E> for MatMul<E> {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let a = match &self.b {
            Some(b) => Some(gradient.matmul(&transposed(b)?)?),
            None => None,
        };
        let b = match &self.a {
            Some(a) => Some(transposed(a)?.matmul(&gradient)?),
            None => None,
        };
        Ok(vec![a, b])
    }
}

/// Each matrix transposed, as a view.
fn transposed<E: Element>(matrices: &Tensor<E>) -> Result<Tensor<E>> {
    matrices.permute(if matrices.rank() == 3 {
        &[0, 2, 1]
    } else {
        &[1, 0]
    })
}

pub(super) const SPEC: Spec = Spec {
    name: "matmul",
    formula: "a · b",
    sample: |s| {
        let (m, k, n) = (s.integer(1, 5), s.integer(1, 5), s.integer(1, 5));
        if s.coin() {
            let batch = s.integer(1, 3);
            return Sample::new(|v| v[0].matmul(&v[1]))
                .input("a", s.tensor(&[batch, m, k]))
                .input("b", s.tensor(&[batch, k, n]));
        }
        // Either side may be a transposed view.
        let (a, b) = (s.coin(), s.coin());
        let as_given = |v: &Var<f64>, flip: bool| if flip { v.transpose() } else { v.clone() };
        Sample::new(move |v| as_given(&v[0], a).matmul(&as_given(&v[1], b)))
            .input("a", s.tensor(&if a { [k, m] } else { [m, k] }))
            .input("b", s.tensor(&if b { [n, k] } else { [k, n] }))
    },
};
