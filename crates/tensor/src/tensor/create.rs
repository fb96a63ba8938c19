//! How tensors come into being: from values, constants, random numbers and labels.

use super::Tensor;
use crate::buffer::Buffer;
use crate::walk::for_each_chunk;
use crate::{Element, Error, Key, Result, shape};
use std::sync::Arc;

/// Making tensors. Where no error can be returned, a shape with more than
/// [`MAX_ELEMENTS`](crate::shape::MAX_ELEMENTS) elements panics with a message that says so, as does one for which the system
/// has no memory.
impl<E: Element> Tensor<E> {
    /// A tensor of `values` in row-major order.
    ///
    /// # Errors
    /// If `shape` does not have as many elements as `values`.
    pub fn from_vec(shape: impl Into<Vec<usize>>, values: Vec<E>) -> Result<Self> {
        Self::from_values("from_vec", shape.into(), &values)
    }

    /// A tensor of `values` in row-major order.
    ///
    /// # Errors
    /// If `shape` does not have as many elements as `values`.
    pub fn from_slice(shape: impl Into<Vec<usize>>, values: &[E]) -> Result<Self> {
        Self::from_values("from_slice", shape.into(), values)
    }

    /// Takes a buffer, into which somebody has written the values in row-major order.
    ///
    /// # Panics
    /// If the length of the buffer is not the product of `shape`.
    pub fn from_buffer(shape: impl Into<Vec<usize>>, buffer: Buffer<E>) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape::element_count("from_buffer", &shape),
            Ok(buffer.len()),
            "from_buffer: the length of the buffer is not the number of elements of {shape:?}"
        );
        let strides = shape::row_major_strides(&shape);
        Tensor {
            storage: Arc::new(buffer),
            shape,
            strides,
            offset: 0,
        }
    }

    /// Zeros.
    ///
    /// # Panics
    /// As all of these: a shape with more than [`MAX_ELEMENTS`](crate::shape::MAX_ELEMENTS) elements, or more memory than the
    /// system gives.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let buffer = Buffer::zeros(count(&shape));
        Self::from_buffer(shape, buffer)
    }

    /// Ones.
    pub fn ones(shape: impl Into<Vec<usize>>) -> Self {
        Self::full(shape, E::one())
    }

    /// `value` everywhere.
    pub fn full(shape: impl Into<Vec<usize>>, value: E) -> Self {
        Self::filled(shape.into(), |_, chunk| chunk.fill(value))
    }

    /// A tensor of rank 0, shape `[]`.
    pub fn scalar(value: E) -> Self {
        Self::full([], value)
    }

    /// The value at each row-major position is `f(position)`.
    pub fn from_fn(shape: impl Into<Vec<usize>>, f: impl FnMut(usize) -> E) -> Self {
        let shape = shape.into();
        let mut buffer = Buffer::uninit(count(&shape));
        let values = (0..buffer.len()).map(f);
        buffer
            .iter_mut()
            .zip(values)
            .for_each(|(slot, value)| *slot = value);
        Self::from_buffer(shape, buffer)
    }

    /// Uniform between `low` and `high`: the value at row-major position p is
    /// `low + (high − low) · key.uniform(p)`, rounded to `E`, for any number of threads.
    pub fn uniform(shape: impl Into<Vec<usize>>, low: f64, high: f64, key: Key) -> Self {
        Self::random(shape.into(), |position| {
            low + (high - low) * key.uniform(position)
        })
    }

    /// Normal: the value at row-major position p is `mean + std · key.normal(p)`.
    pub fn normal(shape: impl Into<Vec<usize>>, mean: f64, std: f64, key: Key) -> Self {
        Self::random(shape.into(), |position| mean + std * key.normal(position))
    }

    /// Normal, but never further than 2 `std` from `mean` (drawn again if it is), as Keras's `TruncatedNormal`. To get
    /// a given standard deviation, as `glorot_normal` does, pass it divided by 0.87962566103423978.
    pub fn truncated_normal(shape: impl Into<Vec<usize>>, mean: f64, std: f64, key: Key) -> Self {
        Self::random(shape.into(), |position| {
            mean + std * key.truncated_normal(position)
        })
    }

    /// One row per label, `[labels.len(), classes]`: 1 in the label's column, 0 elsewhere.
    ///
    /// # Errors
    /// If a label is not below `classes`.
    pub fn one_hot(labels: &[usize], classes: usize) -> Result<Self> {
        if let Some((row, label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| label >= classes)
        {
            return Err(Error::shape(
                "one_hot",
                format!("label {label} (row {row}) is not below {classes} classes"),
            ));
        }
        let shape = vec![labels.len(), classes];
        let mut buffer = Buffer::zeros(shape::element_count("one_hot", &shape)?);
        for (row, &label) in labels.iter().enumerate() {
            buffer[row * classes + label] = E::one();
        }
        Ok(Self::from_buffer(shape, buffer))
    }

    fn from_values(operation: &'static str, shape: Vec<usize>, values: &[E]) -> Result<Self> {
        let count = shape::element_count(operation, &shape)?;
        if count != values.len() {
            let message = format!(
                "shape {shape:?} has {count} elements, but there are {} values",
                values.len()
            );
            return Err(Error::shape(operation, message));
        }
        Ok(Self::from_buffer(shape, Buffer::from_slice(values)))
    }

    fn random(shape: Vec<usize>, draw: impl Fn(u64) -> f64 + Sync) -> Self {
        Self::filled(shape, |start, chunk| {
            for (position, slot) in (start as u64..).zip(chunk) {
                *slot = E::from_f64(draw(position));
            }
        })
    }

    /// A new tensor whose chunks are written by `fill(position of the chunk, chunk)`, in parallel.
    pub(crate) fn filled(shape: Vec<usize>, fill: impl Fn(usize, &mut [E]) + Sync) -> Self {
        let mut buffer = Buffer::uninit(count(&shape));
        for_each_chunk(&mut buffer, fill);
        Self::from_buffer(shape, buffer)
    }
}

/// The number of elements of a shape that the caller vouches for.
fn count(shape: &[usize]) -> usize {
    shape::element_count("tensor", shape).unwrap_or_else(|error| panic!("{error}"))
}
