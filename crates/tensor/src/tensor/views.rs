//! Views: another shape over the same memory.

use super::Tensor;
use crate::{Element, Error, Result, shape};
use std::ops::Range;

/// Views. No values are copied, except by [`reshape`](Tensor::reshape) of a strided view.
impl<E: Element> Tensor<E> {
    /// The same values, in row-major order, with another shape. Copies only if the view is strided.
    ///
    /// # Errors
    /// If the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Vec<usize>>) -> Result<Self> {
        let shape = shape.into();
        let count = shape::element_count("reshape", &shape)?;
        if count != self.len() {
            let message = format!(
                "{:?} has {} elements, {shape:?} has {count}",
                self.shape,
                self.len()
            );
            return Err(Error::shape("reshape", message));
        }
        let strides = shape::row_major_strides(&shape);
        Ok(Tensor {
            shape,
            strides,
            ..self.contiguous()
        })
    }

    /// The last two axes exchanged; a tensor of rank 0 or 1 stays as it is.
    pub fn transpose(&self) -> Self {
        let mut view = self.clone();
        if let Some(axis) = self.rank().checked_sub(2) {
            view.shape.swap(axis, axis + 1);
            view.strides.swap(axis, axis + 1);
        }
        view
    }

    /// Axes in another order: axis i of the result is axis `axes[i]`.
    ///
    /// ```
    /// # use taper_tensor::Tensor;
    /// let nhwc = Tensor::<f32>::zeros([64, 28, 28, 3]);
    /// assert_eq!(nhwc.permute(&[0, 3, 1, 2])?.shape(), [64, 3, 28, 28]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `axes` does not name every axis exactly once.
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        shape::axis_flags("permute", axes, &self.shape)?;
        if axes.len() != self.rank() {
            let message = format!(
                "{axes:?} does not name all {} axes of {:?}",
                self.rank(),
                self.shape
            );
            return Err(Error::shape("permute", message));
        }
        Ok(Tensor {
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            strides: axes.iter().map(|&axis| self.strides[axis]).collect(),
            ..self.clone()
        })
    }

    /// The part of an axis within `range`.
    ///
    /// # Errors
    /// If the axis does not exist, or the range is not within it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Self> {
        shape::check_axis("slice", axis, &self.shape)?;
        if range.start > range.end || range.end > self.shape[axis] {
            let message = format!("{range:?} is not within axis {axis} of {:?}", self.shape);
            return Err(Error::shape("slice", message));
        }
        let mut view = self.clone();
        view.offset += range.start * self.strides[axis] as usize;
        view.shape[axis] = range.len();
        Ok(view)
    }

    /// Axes of length 1 stretched, and new axes put in front, as NumPy's broadcasting does.
    ///
    /// # Errors
    /// If the shape cannot be stretched to `shape`.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        shape::viewed_count("broadcast_to", shape)?;
        let strides = shape::broadcast_strides("broadcast_to", &self.shape, &self.strides, shape)?;
        Ok(Tensor {
            shape: shape.to_vec(),
            strides,
            ..self.clone()
        })
    }

    /// A new axis of length 1 before `axis` (at the end if `axis` is the rank).
    ///
    /// # Errors
    /// If `axis` exceeds the rank.
    pub fn expand_dims(&self, axis: usize) -> Result<Self> {
        if axis > self.rank() {
            let message = format!("{:?} has no place {axis} for a new axis", self.shape);
            return Err(Error::shape("expand_dims", message));
        }
        let mut view = self.clone();
        let stride = self
            .strides
            .get(axis)
            .map_or(1, |&inner| inner * self.shape[axis].max(1) as isize);
        view.shape.insert(axis, 1);
        view.strides.insert(axis, stride);
        Ok(view)
    }

    /// Without `axis`, which must have length 1.
    ///
    /// # Errors
    /// If the axis does not exist or has another length.
    pub fn squeeze(&self, axis: usize) -> Result<Self> {
        shape::check_axis("squeeze", axis, &self.shape)?;
        if self.shape[axis] != 1 {
            let message = format!(
                "axis {axis} of {:?} has length {}, not 1",
                self.shape, self.shape[axis]
            );
            return Err(Error::shape("squeeze", message));
        }
        let mut view = self.clone();
        view.shape.remove(axis);
        view.strides.remove(axis);
        Ok(view)
    }
}
