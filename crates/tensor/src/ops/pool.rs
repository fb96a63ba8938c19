//! Max and average pooling.

use super::arguments::{packed, values};
use crate::buffer::Buffer;
use crate::kernels::arguments::Winners;
use crate::kernels::reference;
use crate::kernels::{Pool2dSpec, PoolGeometry, PoolPositions};
use crate::{Element, Error, Result, Tensor};
use std::sync::Arc;

impl<E: Element> Tensor<E> {
    /// The maximum of each window: `[n, h, w, c]` → `[n, oh, ow, c]`, and where each maximum was (the first of equals).
    /// Padding takes no part.
    ///
    /// ```
    /// use taper_tensor::{Padding, Pool2dSpec, Tensor};
    /// let image = Tensor::from_vec([1, 2, 2, 1], vec![1.0f32, 4.0, 3.0, 2.0])?;
    /// let spec = Pool2dSpec { size: [2, 2], strides: [2, 2], padding: Padding::Valid };
    /// let (maxima, positions) = image.max_pool2d(&spec)?;
    /// assert_eq!(maxima.to_vec(), [4.0]);
    /// let gradient = maxima.max_pool2d_gradient(&positions, &[1, 2, 2, 1], &spec)?;
    /// assert_eq!(gradient.to_vec(), [0.0, 4.0, 0.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is not of rank 4 or the window does not fit.
    pub fn max_pool2d(&self, spec: &Pool2dSpec) -> Result<(Self, PoolPositions)> {
        let g = PoolGeometry::new("max_pool2d", spec, self.shape())?;
        let x = packed(self);
        let shape = [g.n, g.rows.outputs, g.columns.outputs, g.channels];
        let len = g.n * g.output();
        let mut y = Buffer::uninit(len);
        let winners = if fits_a_byte(&g) {
            let mut winners = Buffer::<u8>::uninit(len);
            E::max_pool2d(&g, values(&x), &mut y, &mut winners);
            Winners::Bytes(Arc::new(winners))
        } else {
            let mut winners = Buffer::<u32>::uninit(len);
            reference::max_pool2d(&g, values(&x), &mut y, |output, tap| {
                winners[output] = tap as u32
            });
            Winners::Words(Arc::new(winners))
        };
        Ok((Tensor::from_buffer(shape, y), PoolPositions(winners)))
    }

    /// The gradient of [`max_pool2d`](Self::max_pool2d) with respect to its input of shape `input_shape`; `self` is the
    /// gradient of its output.
    ///
    /// # Errors
    /// When the shapes do not fit each other or the positions.
    pub fn max_pool2d_gradient(
        &self,
        positions: &PoolPositions,
        input_shape: &[usize],
        spec: &Pool2dSpec,
    ) -> Result<Self> {
        const NAME: &str = "max_pool2d_gradient";
        let g = PoolGeometry::new(NAME, spec, input_shape)?;
        let expected = [g.n, g.rows.outputs, g.columns.outputs, g.channels];
        let count = match &positions.0 {
            Winners::Bytes(b) => b.len(),
            Winners::Words(w) => w.len(),
        };
        if self.shape() != expected || count != self.len() {
            let found = self.shape();
            let message = format!(
                "the gradient must be {expected:?}, it is {found:?}, with {count} positions"
            );
            return Err(Error::shape(NAME, message));
        }
        let dy = packed(self);
        let mut dx = Buffer::uninit(g.n * g.image());
        match &positions.0 {
            Winners::Bytes(b) => E::max_pool2d_gradient(&g, values(&dy), b, &mut dx),
            Winners::Words(w) => reference::max_pool2d_gradient(
                &g,
                values(&dy),
                |output| w[output] as usize,
                &mut dx,
            ),
        }
        Ok(Tensor::from_buffer(input_shape, dx))
    }

    /// The average of each window: `[n, h, w, c]` → `[n, oh, ow, c]`. Padding is not counted.
    ///
    /// ```
    /// use taper_tensor::{Padding, Pool2dSpec, Tensor};
    /// let image = Tensor::from_vec([1, 2, 3, 1], vec![1.0f32, 4.0, 3.0, 2.0, 1.0, 7.0])?;
    /// let spec = Pool2dSpec { size: [2, 2], strides: [2, 2], padding: Padding::Same };
    /// assert_eq!(image.average_pool2d(&spec)?.to_vec(), [2.0, 5.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is not of rank 4 or the window does not fit.
    pub fn average_pool2d(&self, spec: &Pool2dSpec) -> Result<Self> {
        let g = PoolGeometry::new("average_pool2d", spec, self.shape())?;
        let x = packed(self);
        let mut y = Buffer::uninit(g.n * g.output());
        E::average_pool2d(&g, values(&x), &mut y);
        let shape = [g.n, g.rows.outputs, g.columns.outputs, g.channels];
        Ok(Tensor::from_buffer(shape, y))
    }

    /// The gradient of [`average_pool2d`](Self::average_pool2d) with respect to its input of shape `input_shape`; `self`
    /// is the gradient of its output.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn average_pool2d_gradient(
        &self,
        input_shape: &[usize],
        spec: &Pool2dSpec,
    ) -> Result<Self> {
        const NAME: &str = "average_pool2d_gradient";
        let g = PoolGeometry::new(NAME, spec, input_shape)?;
        let expected = [g.n, g.rows.outputs, g.columns.outputs, g.channels];
        if self.shape() != expected {
            let found = self.shape();
            let message = format!("the gradient must be {expected:?}, it is {found:?}");
            return Err(Error::shape(NAME, message));
        }
        let dy = packed(self);
        let mut dx = Buffer::uninit(g.n * g.image());
        E::average_pool2d_gradient(&g, values(&dy), &mut dx);
        Ok(Tensor::from_buffer(input_shape, dx))
    }
}

fn fits_a_byte(g: &PoolGeometry) -> bool {
    g.rows.taps * g.columns.taps <= 255
}
