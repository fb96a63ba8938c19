//! Values in ascending order.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Result};

impl<E: Element> Var<E> {
    /// The values along `axis` in ascending order; a NaN counts as the greatest (as in NumPy). Where they come from tells
    /// [`Tensor::argsort`](taper_tensor::Tensor::argsort).
    ///
    /// Gradient: g at the places that the values come from. Saves these.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![3.0, 1.0, 2.0])?);
    /// let y = x.sort(0)?;
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0]);
    /// assert_eq!(y.slice(0, 0..1)?.sum().backward()?[&x].to_vec(), [0.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn sort(&self, axis: usize) -> Result<Var<E>> {
        let positions = self.value().argsort(axis)?;
        self.take_along(axis, &positions, self.shape()[axis])
    }

    /// For each value of the result, which has `count` entries along `axis`, the position along it in `self`.
    pub(super) fn take_along(
        &self,
        axis: usize,
        positions: &[usize],
        count: usize,
    ) -> Result<Var<E>> {
        let (length, inner) = (
            self.shape()[axis],
            self.shape()[axis + 1..].iter().product::<usize>(),
        );
        let mut shape = self.shape().to_vec();
        shape[axis] = count;
        // All axes as one: rows of one value.
        let places = positions.iter().enumerate().map(|(i, &position)| {
            let (outer, inside) = (i / (count * inner), i % inner);
            (outer * length + position) * inner + inside
        });
        let flat = self.reshape([self.value().len()])?;
        flat.gather(&places.collect::<Vec<_>>())?.reshape(shape)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sort",
    formula: "x in ascending order",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        Sample::new(move |v| v[0].sort(axis)).input("x", s.distinct(&shape))
    },
};
