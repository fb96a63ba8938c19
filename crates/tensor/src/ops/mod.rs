//! The methods of [`Tensor`] that stand on kernels: they check shapes, find memory, and call.

mod batch_norm;
mod conv;
mod dense;
mod pool;

pub use crate::kernels::{Dropout, Epilogue};
pub use batch_norm::{BatchNorm, BatchNormGradients};

use crate::buffer::Buffer;
use crate::{Element, Error, Result, Tensor};

/// The values of `tensor` in row-major order, packed first if it is a strided view.
fn packed<E: Element>(tensor: &Tensor<E>) -> Tensor<E> {
    tensor.contiguous()
}

/// The slice of a tensor that [`packed`] has made.
fn values<E: Element>(tensor: &Tensor<E>) -> &[E] {
    tensor.as_slice().expect("packed")
}

/// Checks that `bias`, if there is one, has the shape `[channels]`, and packs it.
fn checked_bias<E: Element>(
    operation: &'static str,
    bias: Option<&Tensor<E>>,
    channels: usize,
) -> Result<Option<Tensor<E>>> {
    match bias {
        Some(b) if b.shape() != [channels] => {
            let found = b.shape();
            Err(Error::shape(
                operation,
                format!("the bias must be [{channels}], it is {found:?}"),
            ))
        }
        other => Ok(other.map(packed)),
    }
}

/// Checks that dropout's rate makes sense.
fn checked_dropout(operation: &'static str, dropout: Option<Dropout>) -> Result<()> {
    match dropout {
        Some(d) if !(0.0..1.0).contains(&d.rate) => Err(Error::shape(
            operation,
            format!("the dropout rate must be in [0, 1), it is {}", d.rate),
        )),
        _ => Ok(()),
    }
}

impl<E: Element> Tensor<E> {
    /// Inverted dropout: each element is kept with probability `1 − rate` and scaled by `1 / (1 − rate)`. Its gradient
    /// is the same function of the gradient, so no mask is stored.
    ///
    /// ```
    /// use taper_tensor::{ops::Dropout, Seed, Stream, Tensor};
    /// let dropout = Dropout { rate: 0.5, key: Seed(7).key(Stream::Dropout(0), 1) };
    /// let y = Tensor::<f32>::ones([1000]).dropout(&dropout)?;
    /// assert!(y.to_vec().iter().all(|&y| y == 0.0 || y == 2.0));
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rate is not in `[0, 1)`.
    pub fn dropout(&self, dropout: &Dropout) -> Result<Self> {
        checked_dropout("dropout", Some(*dropout))?;
        let x = packed(self);
        let mut y = Buffer::uninit(self.len());
        E::dropout(values(&x), dropout, &mut y);
        Ok(Tensor::from_buffer(self.shape(), y))
    }

    /// The gradient through relu and dropout, given what they put out: `gradient · [output > 0] / (1 − rate)`. `self`
    /// is the gradient; an element that was dropped put out 0, so the output alone tells where gradient passes.
    ///
    /// # Errors
    /// When the shapes differ, or the epilogue has no relu (then the output does not tell).
    pub fn epilogue_gradient(&self, output: &Self, epilogue: &Epilogue) -> Result<Self> {
        if self.shape() != output.shape() || !epilogue.relu {
            let (found, expected) = (self.shape(), output.shape());
            let message = format!(
                "gradient {found:?}, output {expected:?}: the shapes must agree and relu be on"
            );
            return Err(Error::shape("epilogue_gradient", message));
        }
        let (gradient, output) = (packed(self), packed(output));
        let scale = E::from_f64(epilogue.dropout.map_or(1.0, |d| d.scale()));
        let mut dx = Buffer::uninit(self.len());
        E::relu_gradient(values(&gradient), values(&output), scale, &mut dx);
        Ok(Tensor::from_buffer(self.shape(), dx))
    }

    /// The sum over all axes but the last, over a fixed tree: the gradient of a bias. `[…, c]` → `[c]`.
    pub fn sum_to_last_axis(&self) -> Self {
        let channels = self.shape().last().copied().unwrap_or(1);
        let x = packed(self);
        let mut sums = Buffer::zeros(channels);
        E::sum_rows(values(&x), &mut sums);
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
        E::penalty_sums(values(&packed(self)))
    }
}
