//! Means along axes.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Result};

impl<E: Element> Var<E> {
    /// The means along `axes`, which are dropped from the shape, or kept as 1 if `keep_dims`. NaN along an axis of
    /// length 0.
    ///
    /// Gradient: g / count, stretched along the axes. Saves the shape only (it is a sum and a scale).
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let y = x.mean_axes(&[0], false)?;
    /// assert_eq!(y.value().to_vec(), [2.0, 3.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5; 4]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn mean_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Var<E>> {
        let sums = self.sum_axes(axes, keep_dims)?;
        let count: usize = axes.iter().map(|&axis| self.shape()[axis]).product();
        Ok(sums.scale(E::from_f64(1.0 / count as f64)))
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "mean_axes",
    formula: "Σx / count along axes",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let (axes, keep_dims) = (s.axes(shape.len()), s.coin());
        Sample::new(move |v| v[0].mean_axes(&axes, keep_dims)).input("x", s.tensor(&shape))
    },
};
