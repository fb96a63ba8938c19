//! Max pooling of sequences.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use taper_tensor::{Element, Error, Padding, Pool2dSpec, Result};

impl<E: Element> Var<E> {
    /// The maxima of windows of sequences: `[n, length, c]` → `[n, windows, c]`.
    ///
    /// It is [`Var::max_pool2d`] of images one pixel wide; gradient and what is saved are as there.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Padding, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 4, 1], vec![1.0, 2.0, 4.0, 3.0])?);
    /// let y = x.max_pool1d(2, 2, Padding::Valid)?;
    /// assert_eq!(y.value().to_vec(), [2.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 1.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rank is not 3 or no window fits.
    pub fn max_pool1d(&self, size: usize, stride: usize, padding: Padding) -> Result<Var<E>> {
        let &[n, length, channels] = self.shape() else {
            let message = format!(
                "input {:?} is no batch of sequences [n, length, channels]",
                self.shape()
            );
            return Err(Error::shape("max_pool1d", message));
        };
        let spec = Pool2dSpec {
            size: [size, 1],
            strides: [stride, 1],
            padding,
        };
        let pooled = self.reshape([n, length, 1, channels])?.max_pool2d(&spec)?;
        let windows = pooled.shape()[1];
        pooled.reshape([n, windows, channels])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "max_pool1d",
    formula: "max of each window",
    sample: |s| {
        let (size, stride) = (s.integer(1, 3), s.integer(1, 3));
        let padding = s.one_of(&[Padding::Valid, Padding::Same]);
        let shape = [s.integer(1, 2), size + s.integer(0, 4), s.integer(1, 3)];
        Sample::new(move |v| v[0].max_pool1d(size, stride, padding)).input("x", s.distinct(&shape))
    },
};
