//! What follows a product, alone: dropout, and the gradient through an activation function and dropout.

use super::arguments::{checked_activation, checked_dropout, checked_epilogue, packed, values};
use crate::buffer::Buffer;
use crate::kernels::{Dropout, Epilogue};
use crate::{Element, Error, Result, Tensor};

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

    /// The gradient through an activation function and dropout, given what they put out: `gradient · slope(output)`, with
    /// relu `gradient · [output > 0] / (1 − rate)`. `self` is the gradient; an element that was dropped behind relu put out
    /// 0, so the output alone tells where gradient passes.
    ///
    /// ```
    /// use taper_tensor::{ops::{Epilogue, Fusible}, Tensor};
    /// let tanh = Epilogue { activation: Some(Fusible::Tanh), dropout: None };
    /// let (gradient, output) = (Tensor::from_vec([2], vec![2.0f32, 2.0])?, Tensor::from_vec([2], vec![0.5, 1.0])?);
    /// assert_eq!(gradient.epilogue_gradient(&output, &tanh)?.to_vec(), [1.5, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, the epilogue has no activation function (then the output does not tell), or dropout stands
    /// behind another than relu.
    pub fn epilogue_gradient(&self, output: &Self, epilogue: &Epilogue) -> Result<Self> {
        checked_epilogue("epilogue_gradient", epilogue)?;
        let activation = checked_activation("epilogue_gradient", epilogue)?;
        if self.shape() != output.shape() {
            let (found, expected) = (self.shape(), output.shape());
            let message = format!("gradient {found:?}, output {expected:?}: the shapes must agree");
            return Err(Error::shape("epilogue_gradient", message));
        }
        let (gradient, output) = (packed(self), packed(output));
        let scale = E::from_f64(epilogue.scale());
        let (gradient, output) = (values(&gradient), values(&output));
        let mut dx = Buffer::uninit(self.len());
        E::activation_gradient(activation, gradient, output, scale, &mut dx);
        Ok(Tensor::from_buffer(self.shape(), dx))
    }
}
