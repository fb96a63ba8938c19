//! The greatest values.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Result};

impl<E: Element> Var<E> {
    /// The `k` greatest values along `axis`, the greatest first, and where they come from: their positions along `axis`, in
    /// row-major order of the values. Of equal values the first comes first; a NaN counts as the greatest.
    ///
    /// Gradient: g at the places that the values come from, zeros elsewhere. Saves these places.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([4], vec![3.0, 1.0, 4.0, 2.0])?);
    /// let (values, positions) = x.top_k(0, 2)?;
    /// assert_eq!(values.value().to_vec(), [4.0, 3.0]);
    /// assert_eq!(positions, [2, 0]);
    /// assert_eq!(values.sum().backward()?[&x].to_vec(), [1.0, 0.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis, or it has fewer than `k` entries.
    pub fn top_k(&self, axis: usize, k: usize) -> Result<(Var<E>, Vec<usize>)> {
        let positions = self.value().arg_top_k(axis, k)?;
        let values = self.take_along(axis, &positions, k)?;
        Ok((values, positions))
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "top_k",
    formula: "the k greatest of x",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        let k = s.integer(1, shape[axis]);
        Sample::new(move |v| v[0].top_k(axis, k).map(|(values, _)| values))
            .input("x", s.distinct(&shape))
    },
};
