//! The tensor: what it is, and how its shape and values are reached. How it is made and what can be done with it is in
//! the files beside this one, one topic each.

mod along;
#[cfg(feature = "ndarray")]
mod arrays;
mod assemble;
mod compare;
mod create;
mod elementwise;
mod fold;
mod format;
mod reduce;
mod softmax;
mod views;

pub use along::Cumulative;
pub(crate) use softmax::{log_softmax_row, softmax_row, sparsemax_row};

use crate::buffer::Buffer;
use crate::walk::Walk;
use crate::{Element, Error, Result, shape};
use std::sync::Arc;

/// A shaped view of reference-counted storage: clone, reshape, transpose, slice and broadcast copy nothing.
///
/// A tensor is a value: writing through [`as_mut_slice`](Tensor::as_mut_slice) never shows in another tensor, because
/// shared storage is copied first. A scalar is a tensor of shape `[]`.
///
/// ```
/// use taper_tensor::Tensor;
///
/// let x = Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let bias = Tensor::from_vec([3], vec![10.0, 20.0, 30.0])?;
/// let y = x.add(&bias)?.transpose();
/// assert_eq!(y.shape(), [3, 2]);
/// assert_eq!(y.to_vec(), [11.0, 14.0, 22.0, 25.0, 33.0, 36.0]);
/// assert_eq!(x.sum_axes(&[0], false)?.to_vec(), [5.0, 7.0, 9.0]);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
pub struct Tensor<E = f32> {
    storage: Arc<Buffer<E>>,
    shape: Vec<usize>,
    /// As many as axes; never negative. Every index within `shape` leads to an element of `storage`.
    strides: Vec<isize>,
    /// Where the element with all indices 0 is.
    offset: usize,
}

impl<E> Clone for Tensor<E> {
    fn clone(&self) -> Self {
        Tensor {
            storage: Arc::clone(&self.storage),
            shape: self.shape.clone(),
            strides: self.strides.clone(),
            offset: self.offset,
        }
    }
}

/// Reaching shape and values.
impl<E: Element> Tensor<E> {
    /// The length of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Distance in [`storage`](Tensor::storage), in elements, between neighbours along every axis. Never negative; 0
    /// on axes stretched by broadcasting.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements: some axis has length 0.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Whether the elements follow each other in memory in row-major order.
    pub fn is_contiguous(&self) -> bool {
        shape::is_contiguous(&self.shape, &self.strides)
    }

    /// The values in row-major order if the view is contiguous.
    pub fn as_slice(&self) -> Option<&[E]> {
        self.is_contiguous().then(|| &self.storage()[..self.len()])
    }

    /// The memory from the view's first element on, for kernels that read strided views in place: the element at index
    /// i is at Σ iₐ · strideₐ. It can extend beyond the view.
    pub fn storage(&self) -> &[E] {
        self.storage.get(self.offset..).unwrap_or_default()
    }

    /// A contiguous tensor: itself (no copy) or a packed copy.
    pub fn contiguous(&self) -> Self {
        if self.is_contiguous() {
            self.clone()
        } else {
            self.packed()
        }
    }

    /// The values in row-major order.
    pub fn to_vec(&self) -> Vec<E> {
        match self.as_slice() {
            Some(values) => values.to_vec(),
            None => self.packed().storage.to_vec(),
        }
    }

    /// Row-major values for writing; packs or copies first if shared or strided (copy on write).
    pub fn as_mut_slice(&mut self) -> &mut [E] {
        if !self.is_contiguous() || Arc::get_mut(&mut self.storage).is_none() {
            *self = self.packed();
        }
        let len = self.len();
        let storage = Arc::make_mut(&mut self.storage); // not shared: nothing is copied
        if len == 0 {
            &mut []
        } else {
            &mut storage[self.offset..][..len]
        }
    }

    /// Whether nobody else holds the values, which lie in row-major order: they can be overwritten where they are.
    pub(crate) fn is_own(&mut self) -> bool {
        self.is_contiguous() && Arc::get_mut(&mut self.storage).is_some()
    }

    /// The only value of a tensor of one element.
    ///
    /// # Errors
    /// If there is not exactly one element.
    pub fn item(&self) -> Result<E> {
        match self.len() {
            1 => Ok(self.storage()[0]),
            len => Err(Error::shape(
                "item",
                format!("{:?} has {len} elements, not one", self.shape),
            )),
        }
    }

    /// The value at `index` (one number per axis), or `None` if it lies outside.
    pub fn get(&self, index: &[usize]) -> Option<E> {
        let inside =
            index.len() == self.rank() && index.iter().zip(&self.shape).all(|(i, axis)| i < axis);
        let offset = || {
            index
                .iter()
                .zip(&self.strides)
                .map(|(&i, &stride)| i * stride as usize)
                .sum::<usize>()
        };
        inside.then(|| self.storage()[offset()])
    }

    /// The values as another element type, rounded to nearest.
    pub fn cast<F: Element>(&self) -> Tensor<F> {
        let source = self.contiguous();
        let values = source.values();
        Tensor::filled(self.shape.clone(), |start, chunk| {
            for (slot, &value) in chunk.iter_mut().zip(&values[start..]) {
                *slot = F::from_f64(value.to_f64());
            }
        })
    }

    /// The values of a tensor known to be contiguous.
    fn values(&self) -> &[E] {
        self.as_slice().expect("the tensor was made contiguous")
    }

    /// A contiguous copy.
    fn packed(&self) -> Self {
        let storage = self.storage();
        let walk = Walk::new(&self.shape, [&self.strides]);
        let [stride] = walk.inner_strides();
        Self::filled(self.shape.clone(), |start, chunk| {
            walk.rows(start, start + chunk.len(), |position, length, [offset]| {
                let row = &mut chunk[position - start..][..length];
                match stride {
                    0 => row.fill(storage[offset]),
                    1 => row.copy_from_slice(&storage[offset..][..length]),
                    _ => row
                        .iter_mut()
                        .zip(storage[offset..].iter().step_by(stride))
                        .for_each(|(to, from)| *to = *from),
                }
            });
        })
    }
}
