//! Equality and closeness. A NaN is close to nothing, so a comparison never passes by accident.

use super::Tensor;
use crate::{Element, Error, Result};

/// Same shape and equal values (so a tensor with a NaN is not equal to itself). Layout in memory plays no role.
impl<E: Element> PartialEq for Tensor<E> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.contiguous().values() == other.contiguous().values()
    }
}

/// Comparisons.
impl<E: Element> Tensor<E> {
    /// The greatest |a − b|; NaN if any difference is. Equal infinities differ by 0; 0 if there are no elements.
    ///
    /// ```
    /// # use taper_tensor::Tensor;
    /// let a = Tensor::from_vec([2], vec![1.0, 2.0])?;
    /// let b = Tensor::from_vec([2], vec![1.5, f64::NAN])?;
    /// assert!(a.max_abs_difference(&a)? <= 1e-12);
    /// assert!(!(a.max_abs_difference(&b)? <= 1e-12));
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn max_abs_difference(&self, other: &Self) -> Result<f64> {
        let pairs = self.pairs("max_abs_difference", other)?;
        Ok(pairs
            .map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() })
            .fold(0.0, super::elementwise::greater))
    }

    /// Whether every |a − b| ≤ `absolute` + `relative` · |b| (as NumPy's `allclose`). False if there is a NaN; equal
    /// infinities are close.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn all_close(&self, other: &Self, relative: f64, absolute: f64) -> Result<bool> {
        let mut pairs = self.pairs("all_close", other)?;
        Ok(pairs.all(|(a, b)| {
            a == b
                || ((a - b).abs() <= absolute + relative * b.abs()
                    && a.is_finite()
                    && b.is_finite())
        }))
    }

    fn pairs(
        &self,
        operation: &'static str,
        other: &Self,
    ) -> Result<impl Iterator<Item = (f64, f64)> + use<E>> {
        if self.shape != other.shape {
            return Err(Error::shape(
                operation,
                format!("{:?} and {:?} differ", self.shape, other.shape),
            ));
        }
        let (a, b) = (self.contiguous(), other.contiguous());
        Ok((0..self.len()).map(move |i| (a.values()[i].to_f64(), b.values()[i].to_f64())))
    }
}
