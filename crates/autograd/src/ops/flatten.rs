//! All axes but the first in one.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Error, Result};

impl<E: Element> Var<E> {
    /// `[n, …]` → `[n, product of the rest]`; `[n]` → `[n, 1]`.
    ///
    /// A [`Var::reshape`] that leaves the batch axis alone.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::<f32>::ones([2, 3, 4]));
    /// assert_eq!(x.flatten()?.shape(), [2, 12]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// For a scalar, which has no batch axis.
    pub fn flatten(&self) -> Result<Var<E>> {
        match self.shape() {
            [] => Err(Error::shape(
                "flatten",
                "a scalar (shape []) has no batch axis; reshape it to [1, 1]",
            )),
            [n, rest @ ..] => self.reshape([*n, rest.iter().product()]),
        }
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "flatten",
    formula: "x as [n, rest]",
    sample: |s| {
        let shape = s.shape(1, 4, 3);
        Sample::new(|v| v[0].flatten()).input("x", s.tensor(&shape))
    },
};
