//! Matrix product.

use crate::gradcheck::{Sample, Sampler, Spec};
use crate::support::{unbroadcast, unbroadcast_on_tape};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The matrix product, by NumPy's rules: `[m, k]` · `[k, n]` → `[m, n]`; of stacks of matrices `[…, m, k]` and `[…, k, n]`
    /// one by one, their outer axes broadcast; and a vector is a row on the left, `[k]` · `[k, n]` → `[n]`, a column on the
    /// right, `[m, k]` · `[k]` → `[m]`.
    ///
    /// Transposed views are read in place. Gradients: g · otherᵀ and selfᵀ · g, summed over what broadcasting stretched.
    /// Saves, for each input whose gradient is wanted, the other one.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let a = tape.constant(&Tensor::from_vec([1, 2], vec![1.0, 2.0])?);
    /// let b = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let v = tape.constant(&Tensor::from_vec([2], vec![10.0, 1.0])?);
    /// assert_eq!(b.matmul(&v)?.value().to_vec(), [12.0, 34.0]);
    /// let c = a.matmul(&b)?;
    /// assert_eq!(c.value().to_vec(), [7.0, 10.0]);
    /// assert_eq!(c.sum().backward()?[&b].to_vec(), [1.0, 1.0, 2.0, 2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the inner dimensions differ, the outer axes do not broadcast, one is a single number, or the variables belong to
    /// different tapes.
    pub fn matmul(&self, other: &Var<E>) -> Result<Var<E>> {
        let (a, b) = (self.shape(), other.shape());
        let fits = !a.is_empty() && a.last() == b.get(b.len().saturating_sub(2));
        match (a, b) {
            ([outer @ .., _, k], [_, n]) if fits && !outer.is_empty() => {
                // One matrix for all of them: their rows are those of one tall matrix.
                let rows = a[..a.len() - 1].iter().product();
                let c = self.reshape([rows, *k])?.matmul(other)?;
                c.reshape([&a[..a.len() - 1], &[*n]].concat())
            }
            ([k], [outer @ .., n]) if fits && b.len() > 1 => {
                let c = self.reshape([1, *k])?.matmul(other)?;
                c.reshape([&outer[..outer.len() - 1], &[*n]].concat())
            }
            ([outer @ .., _], [k]) if fits => {
                let c = self.matmul(&other.reshape([*k, 1])?)?;
                c.reshape(outer)
            }
            _ => {
                let value = self.value().matmul(other.value())?;
                self.tape().record(&[self, other], value, || MatMul {
                    shapes: [a.to_vec(), b.to_vec()],
                    a: self.saved_for(other),
                    b: other.saved_for(self),
                })
            }
        }
    }
}

struct MatMul<E: Element> {
    shapes: [Vec<usize>; 2],
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
        let [a_shape, b_shape] = &self.shapes;
        let a = match &self.b {
            Some(b) => Some(unbroadcast(gradient.matmul(&b.transpose())?, a_shape)?),
            None => None,
        };
        let b = match &self.a {
            Some(a) => Some(unbroadcast(a.transpose().matmul(&gradient)?, b_shape)?),
            None => None,
        };
        Ok(vec![a, b])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let [a_shape, b_shape] = &self.shapes;
        let a = match &self.b {
            Some(b) if place.wants(0) => {
                let product = gradient.matmul(&place.input(1, b).transpose())?;
                Some(unbroadcast_on_tape(product, a_shape)?)
            }
            _ => None,
        };
        let b = match &self.a {
            Some(a) if place.wants(1) => {
                let product = place.input(0, a).transpose().matmul(gradient)?;
                Some(unbroadcast_on_tape(product, b_shape)?)
            }
            _ => None,
        };
        Ok(vec![a, b])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "matmul",
    formula: "a · b",
    sample: |s| {
        let (m, k, n) = (s.integer(1, 5), s.integer(1, 5), s.integer(1, 5));
        match s.integer(0, 4) {
            0 => stacks(s, [m, k, n]),
            1 => {
                // A vector on one side.
                let outer = s.shape(0, 2, 3);
                let (a, b) = if s.coin() {
                    (vec![k], [outer, vec![k, n]].concat())
                } else {
                    ([outer, vec![m, k]].concat(), vec![k])
                };
                product().input("a", s.tensor(&a)).input("b", s.tensor(&b))
            }
            2 => {
                let count = s.integer(1, 3);
                product()
                    .input("a", s.tensor(&[count, m, k]))
                    .input("b", s.tensor(&[k, n]))
            }
            _ => {
                // Either side may be a transposed view.
                let (a, b) = (s.coin(), s.coin());
                let as_given =
                    |v: &Var<f64>, flip: bool| if flip { v.transpose() } else { v.clone() };
                Sample::new(move |v| as_given(&v[0], a).matmul(&as_given(&v[1], b)))
                    .input("a", s.tensor(&if a { [k, m] } else { [m, k] }))
                    .input("b", s.tensor(&if b { [n, k] } else { [k, n] }))
            }
        }
    },
};

fn product() -> Sample {
    Sample::new(|v| v[0].matmul(&v[1]))
}

/// Stacks of one to three outer axes, which may be broadcast.
fn stacks(s: &mut Sampler, [m, k, n]: [usize; 3]) -> Sample {
    let outer = s.shape(1, 3, 3);
    let smaller = s.broadcastable(&outer);
    let (a, b) = if s.coin() {
        (outer, smaller)
    } else {
        (smaller, outer)
    };
    product()
        .input("a", s.tensor(&[a, vec![m, k]].concat()))
        .input("b", s.tensor(&[b, vec![k, n]].concat()))
}
