//! Reductions along axes: a group of neighbouring axes at a time, each by the fixed trees of `fold`. So results are
//! bit-identical for any number of threads.

use super::Tensor;
use super::elementwise::{greater, lesser};
use super::fold::{Columns, fold};
use crate::buffer::Buffer;
use crate::kernels::magnitudes;
use crate::walk::CHUNK;
use crate::{Element, Error, Result, shape};
use rayon::prelude::*;
use std::sync::Arc;

/// Reductions. Axes that are reduced disappear, or stay with length 1 if `keep_dims` is set.
impl<E: Element> Tensor<E> {
    /// The sum of all elements, a scalar; 0 if there are none.
    pub fn sum(&self) -> Self {
        Self::scalar(fold(self.contiguous().values(), E::zero(), add))
    }

    /// The mean of all elements, a scalar; NaN if there are none (as in NumPy).
    pub fn mean(&self) -> Self {
        let count = E::from_f64(self.len() as f64);
        self.sum().map(|sum| sum / count)
    }

    /// Sums along `axes`; 0 along axes of length 0.
    ///
    /// # Errors
    /// If an axis does not exist or is named twice.
    pub fn sum_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Self> {
        self.reduce("sum_axes", axes, keep_dims, E::zero(), add)
    }

    /// Means along `axes`; NaN along axes of length 0 (as in NumPy).
    ///
    /// # Errors
    /// If an axis does not exist or is named twice.
    pub fn mean_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Self> {
        let mut result = self.reduce("mean_axes", axes, keep_dims, E::zero(), add)?;
        let count = E::from_f64(axes.iter().map(|&axis| self.shape[axis] as f64).product());
        result.map_in_place(|sum| sum / count);
        Ok(result)
    }

    /// Maxima along `axes`; NaN where there is one.
    ///
    /// # Errors
    /// If an axis does not exist, is named twice or has length 0.
    pub fn max_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Self> {
        self.check_not_empty("max_axes", axes)?;
        self.reduce("max_axes", axes, keep_dims, E::neg_infinity(), greater)
    }

    /// Minima along `axes`; NaN where there is one.
    ///
    /// # Errors
    /// If an axis does not exist, is named twice or has length 0.
    pub fn min_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Self> {
        self.check_not_empty("min_axes", axes)?;
        self.reduce("min_axes", axes, keep_dims, E::infinity(), lesser)
    }

    /// The sum over all axes but the last, over a fixed tree: the gradient of a bias. `[…, c]` → `[c]`.
    pub fn sum_to_last_axis(&self) -> Self {
        let channels = self.shape().last().copied().unwrap_or(1);
        let mut sums = Buffer::zeros(channels);
        E::sum_rows(self.contiguous().values(), &mut sums);
        Tensor::from_buffer([channels], sums)
    }

    /// Σ|x| and Σx² in one pass, over a fixed tree.
    ///
    /// ```
    /// let w = taper_tensor::Tensor::from_vec([3], vec![1.0f32, -2.0, 3.0])?;
    /// assert_eq!(w.penalty_sums(), (6.0, 14.0));
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn penalty_sums(&self) -> (f64, f64) {
        E::penalty_sums(self.contiguous().values())
    }

    /// Sums over the axes that broadcasting `shape` to `self.shape()` added or stretched: the gradient of broadcasting.
    ///
    /// # Errors
    /// If `shape` does not broadcast to `self.shape()`.
    pub fn sum_to(&self, shape: &[usize]) -> Result<Self> {
        if shape == self.shape {
            return Ok(self.clone());
        }
        shape::element_count("sum_to", shape)?;
        let strides = shape::row_major_strides(shape);
        if shape::broadcast_strides("sum_to", shape, &strides, &self.shape).is_err() {
            let message = format!("{shape:?} does not broadcast to {:?}", self.shape);
            return Err(Error::shape("sum_to", message));
        }
        let added = self.rank() - shape.len();
        let stretched = |&axis: &usize| axis < added || shape[axis - added] != self.shape[axis];
        let axes: Vec<usize> = (0..self.rank()).filter(stretched).collect();
        self.sum_axes(&axes, true)?.reshape(shape)
    }

    /// The largest |x|, 0 of an empty tensor; not finite where a number is not (NaN where one is NaN). It takes no pass where
    /// whoever made the tensor has noted it.
    ///
    /// ```
    /// let w = taper_tensor::Tensor::from_vec([3], vec![1.0f32, -2.0, 1.5])?;
    /// assert_eq!(w.magnitude(), 2.0);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn magnitude(&self) -> f64 {
        Self::magnitudes([Some(self)])[0]
    }

    /// Whether every number is finite; of an empty tensor it is so. As fast as [`magnitude`](Self::magnitude).
    pub fn is_finite(&self) -> bool {
        self.magnitude().is_finite()
    }

    /// Those of several tensors, side by side; 0 where there is none.
    pub fn magnitudes<'t>(tensors: impl IntoIterator<Item = Option<&'t Self>>) -> Vec<f64> {
        let tensors: Vec<_> = tensors.into_iter().collect();
        let noted: Vec<Option<f64>> = tensors.iter().map(|t| t.and_then(Self::noted)).collect();
        let unknown = tensors.iter().zip(&noted).map(|(tensor, noted)| {
            let asked = noted.is_none().then_some(*tensor).flatten();
            asked.map(Self::contiguous)
        });
        let unknown: Vec<_> = unknown.collect();
        let values = unknown.iter().map(|tensor| tensor.as_ref()?.as_slice());
        let slices: Vec<&[E]> = values.map(Option::unwrap_or_default).collect();
        let found = magnitudes(&slices).into_iter().zip(noted);
        found.map(|(found, noted)| noted.unwrap_or(found)).collect()
    }

    /// The same, and noted, so that asking again takes no pass until they are written to. (Tensors that share their memory
    /// note nothing.)
    pub fn note_magnitudes<'t>(tensors: impl IntoIterator<Item = &'t mut Self>) -> Vec<f64> {
        let mut tensors: Vec<_> = tensors.into_iter().collect();
        let found = Self::magnitudes(tensors.iter().map(|tensor| Some(&**tensor)));
        for (tensor, &magnitude) in tensors.iter_mut().zip(&found) {
            let whole = tensor.len() == tensor.storage.len() && tensor.is_contiguous();
            if let Some(storage) = Arc::get_mut(&mut tensor.storage).filter(|_| whole) {
                storage.note_magnitude(Some(magnitude));
            }
        }
        found
    }

    /// What was noted of all values of the memory, if this tensor has all of them.
    fn noted(&self) -> Option<f64> {
        let whole = self.len() == self.storage.len() && self.is_contiguous();
        whole.then(|| self.storage.magnitude()).flatten()
    }

    /// The index of the greatest value along `axis`, for every row-major position of the other axes. Of equal values
    /// the first wins; the first NaN, if there is one, counts as the greatest (as in NumPy).
    ///
    /// # Errors
    /// If the axis does not exist or has length 0.
    pub fn argmax(&self, axis: usize) -> Result<Vec<usize>> {
        self.check_not_empty("argmax", &[axis])?;
        let rows = self.with_last(axis).contiguous();
        Ok(rows
            .values()
            .chunks_exact(self.shape[axis])
            .map(first_greatest)
            .collect())
    }

    /// A view in which `axis` comes last and the others keep their order.
    pub(super) fn with_last(&self, axis: usize) -> Self {
        let mut view = self.clone();
        view.shape[axis..].rotate_left(1);
        view.strides[axis..].rotate_left(1);
        view
    }

    fn check_not_empty(&self, operation: &'static str, axes: &[usize]) -> Result<()> {
        for &axis in axes {
            shape::check_axis(operation, axis, &self.shape)?;
            if self.shape[axis] == 0 {
                return Err(Error::shape(
                    operation,
                    format!("axis {axis} of {:?} has no elements", self.shape),
                ));
            }
        }
        Ok(())
    }

    /// Reduces `axes` by `combine`, a group of neighbouring axes at a time, the last group first.
    fn reduce(
        &self,
        operation: &'static str,
        axes: &[usize],
        keep_dims: bool,
        identity: E,
        combine: impl Fn(E, E) -> E + Sync + Copy,
    ) -> Result<Self> {
        let reduced = shape::axis_flags(operation, axes, &self.shape)?;
        let mut result = self.contiguous();
        let mut end = self.rank();
        while let Some(last) = reduced[..end].iter().rposition(|&flag| flag) {
            let first = reduced[..last]
                .iter()
                .rposition(|&flag| !flag)
                .map_or(0, |kept| kept + 1);
            result = reduce_group(&result, first..last + 1, identity, combine);
            end = first;
        }
        if !keep_dims {
            let kept = self.shape.iter().zip(&reduced).filter(|&(_, &flag)| !flag);
            result = result.reshape(kept.map(|(&axis, _)| axis).collect::<Vec<_>>())?;
        }
        Ok(result)
    }
}

/// Columns that are summed together.
const TILE: usize = 1024;

fn add<E: Element>(a: E, b: E) -> E {
    a + b
}

/// Reduces the neighbouring axes `group` of a contiguous tensor to length 1.
fn reduce_group<E: Element>(
    tensor: &Tensor<E>,
    group: std::ops::Range<usize>,
    identity: E,
    combine: impl Fn(E, E) -> E + Sync + Copy,
) -> Tensor<E> {
    let values = tensor.values();
    let mut shape = tensor.shape.clone();
    shape[group.clone()].fill(1);
    let height: usize = tensor.shape[group.clone()].iter().product();
    let width: usize = tensor.shape[group.end..].iter().product();
    let mut out = Buffer::uninit(shape.iter().product());
    if out.is_empty() {
        return Tensor::from_buffer(shape, out);
    }
    let outer = |i: usize| &values[i * height * width..][..height * width];
    // How many results a thread should do at least; it does not influence them.
    let grain = CHUNK.div_ceil((height * width).max(1));
    if width == 1 {
        out.par_iter_mut()
            .with_min_len(grain)
            .enumerate()
            .for_each(|(i, slot)| {
                *slot = fold(outer(i), identity, combine);
            });
    } else {
        out.par_chunks_mut(width)
            .with_min_len(grain)
            .enumerate()
            .for_each(|(i, row)| {
                for_each_tile(row, |column, tile| {
                    let columns = Columns {
                        values: outer(i),
                        width,
                        column,
                        identity,
                    };
                    columns.fold(0..height, tile, combine);
                });
            });
    }
    Tensor::from_buffer(shape, out)
}

/// Calls `work(first column, tile)` for pieces of a row that stay in the cache while rows are added to them.
fn for_each_tile<E: Element>(row: &mut [E], work: impl Fn(usize, &mut [E]) + Sync) {
    if row.len() <= TILE {
        work(0, row);
    } else {
        row.par_chunks_mut(TILE)
            .enumerate()
            .for_each(|(i, tile)| work(i * TILE, tile));
    }
}

fn first_greatest<E: Element>(row: &[E]) -> usize {
    let mut best = 0;
    for (i, &x) in row.iter().enumerate() {
        if x > row[best] || (x.is_nan() && !row[best].is_nan()) {
            best = i;
        }
    }
    best
}
