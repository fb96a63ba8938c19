//! Tensors put together from parts of others: concatenation, padding, rows by index.

use super::Tensor;
use crate::{Element, Error, Result, shape};

/// Assembly.
impl<E: Element> Tensor<E> {
    /// Joins `parts` along `axis`; all other axes must agree.
    ///
    /// # Errors
    /// If there are no parts, the axis does not exist, or the shapes differ on another axis.
    pub fn concat(parts: &[&Self], axis: usize) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(Error::shape("concat", "there are no tensors to join"));
        };
        shape::check_axis("concat", axis, &first.shape)?;
        let mut shape = first.shape.clone();
        shape[axis] = 0;
        for part in parts {
            let agrees = |(i, length): (usize, &usize)| i == axis || *length == first.shape[i];
            if part.rank() != first.rank() || !part.shape.iter().enumerate().all(agrees) {
                let message = format!(
                    "{:?} and {:?} differ on another axis than {axis}",
                    first.shape, part.shape
                );
                return Err(Error::shape("concat", message));
            }
            shape[axis] = shape[axis].saturating_add(part.shape[axis]);
        }
        shape::element_count("concat", &shape)?;
        let mut result = Self::filled(shape.clone(), |_, _| {});
        let row: usize = shape[axis..].iter().product();
        let mut at = 0;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let part = part.contiguous();
            let length: usize = part.shape[axis..].iter().product();
            let rows = result.as_mut_slice().chunks_exact_mut(row);
            for (to, from) in rows.zip(part.values().chunks_exact(length)) {
                to[at..][..length].copy_from_slice(from);
            }
            at += length;
        }
        Ok(result)
    }

    /// Adds `value` around: for every axis, how many elements before and after.
    ///
    /// # Errors
    /// If there is not one pair per axis, or the result would be too large.
    pub fn pad(&self, before_after: &[(usize, usize)], value: E) -> Result<Self> {
        if before_after.len() != self.rank() {
            let message = format!(
                "{:?} has {} axes, but {} pairs are given",
                self.shape,
                self.rank(),
                before_after.len()
            );
            return Err(Error::shape("pad", message));
        }
        let padded = |(&length, &(before, after)): (&usize, &(usize, usize))| {
            length.saturating_add(before).saturating_add(after)
        };
        let shape: Vec<usize> = self.shape.iter().zip(before_after).map(padded).collect();
        shape::element_count("pad", &shape)?;
        let mut result = Self::full(shape, value);
        if self.is_empty() {
            return Ok(result);
        }
        let strides = result.strides.clone();
        let origin: usize = strides
            .iter()
            .zip(before_after)
            .map(|(&stride, &(before, _))| stride as usize * before)
            .sum();
        let source = self.contiguous();
        let row = self.shape.last().copied().unwrap_or(1);
        let out = result.as_mut_slice();
        for (i, from) in source.values().chunks_exact(row).enumerate() {
            let mut rest = i;
            let mut at = origin;
            for axis in (0..self.rank().saturating_sub(1)).rev() {
                at += rest % self.shape[axis] * strides[axis] as usize;
                rest /= self.shape[axis];
            }
            out[at..][..row].copy_from_slice(from);
        }
        Ok(result)
    }

    /// Rows of axis 0 by index, in the order of `rows`; an index may come several times.
    ///
    /// # Errors
    /// If there is no axis 0, or an index lies outside.
    pub fn gather(&self, rows: &[usize]) -> Result<Self> {
        shape::check_axis("gather", 0, &self.shape)?;
        check_rows("gather", rows, self.shape[0])?;
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        shape::element_count("gather", &shape)?;
        let mut result = Self::filled(shape, |_, _| {});
        let width: usize = self.shape[1..].iter().product();
        if width > 0 {
            let source = self.contiguous();
            for (to, &row) in result.as_mut_slice().chunks_exact_mut(width).zip(rows) {
                to.copy_from_slice(&source.values()[row * width..][..width]);
            }
        }
        Ok(result)
    }

    /// The gradient of [`gather`](Tensor::gather): adds each row of `self` into row `rows[i]` of a zero tensor with
    /// `count` rows, in the order of `rows`.
    ///
    /// # Errors
    /// If there is not one index per row, or an index is not below `count`.
    pub fn scatter_add(&self, rows: &[usize], count: usize) -> Result<Self> {
        shape::check_axis("scatter_add", 0, &self.shape)?;
        if rows.len() != self.shape[0] {
            let message = format!(
                "{:?} has {} rows, but {} indices are given",
                self.shape,
                self.shape[0],
                rows.len()
            );
            return Err(Error::shape("scatter_add", message));
        }
        check_rows("scatter_add", rows, count)?;
        let mut shape = self.shape.clone();
        shape[0] = count;
        shape::element_count("scatter_add", &shape)?;
        let mut result = Self::zeros(shape);
        let width: usize = self.shape[1..].iter().product();
        if width > 0 {
            let source = self.contiguous();
            let out = result.as_mut_slice();
            for (from, &row) in source.values().chunks_exact(width).zip(rows) {
                out[row * width..][..width]
                    .iter_mut()
                    .zip(from)
                    .for_each(|(to, &x)| *to += x);
            }
        }
        Ok(result)
    }
}

fn check_rows(operation: &'static str, rows: &[usize], count: usize) -> Result<()> {
    match rows.iter().find(|&&row| row >= count) {
        Some(row) => Err(Error::shape(
            operation,
            format!("row {row} does not exist: there are {count}"),
        )),
        None => Ok(()),
    }
}
