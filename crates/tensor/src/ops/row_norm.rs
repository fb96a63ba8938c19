//! Normalization of rows: layer normalization, and the one by root mean squares.

use super::arguments::{packed, values};
use crate::buffer::Buffer;
use crate::kernels::RowNorm;
use crate::{Element, Error, Result, Tensor};

/// What normalization does to each row (the last axis): `γ · (x − mean) / √(variance + ε) + β`. After Ba, Kiros and Hinton 2016;
/// without the mean, `γ · x / √(mean of x² + ε)`, after Zhang and Sennrich 2019.
#[derive(Clone, Debug)]
pub struct RowNormalization<E: Element = f32> {
    /// The scale γ `[width]`; `None`: 1.
    pub gamma: Option<Tensor<E>>,
    /// The offset β `[width]`; `None`: 0.
    pub beta: Option<Tensor<E>>,
    /// ε, added to the variance.
    pub epsilon: f64,
    /// Whether the mean is taken away.
    pub centered: bool,
}

/// Normalized rows, and what the way back needs.
#[derive(Clone, Debug)]
pub struct Normed<E: Element = f32> {
    /// The normalized values, of the input's shape.
    pub output: Tensor<E>,
    /// Mean and `1 / √(variance + ε)` of each row, `[rows, 2]`.
    pub statistics: Tensor<E>,
}

/// Gradients of a normalization of rows.
#[derive(Clone, Debug)]
pub struct RowNormGradients<E: Element = f32> {
    /// With respect to the input.
    pub input: Tensor<E>,
    /// With respect to γ `[width]`.
    pub gamma: Tensor<E>,
    /// With respect to β `[width]`.
    pub beta: Tensor<E>,
}

impl<E: Element> RowNormalization<E> {
    /// Packs γ and β, checked against the `shape` of an input.
    fn settings(&self, operation: &'static str, shape: &[usize]) -> Result<[Tensor<E>; 2]> {
        let Some(&width) = shape.last() else {
            let message = "the input must have a last axis, it is a scalar";
            return Err(Error::shape(operation, message));
        };
        for (name, tensor) in [("gamma", &self.gamma), ("beta", &self.beta)] {
            let shape_of = tensor.as_ref().map(Tensor::shape);
            if let Some(found) = shape_of.filter(|found| *found != [width]) {
                let message =
                    format!("the {name} must be [{width}], it is {found:?} (input {shape:?})");
                return Err(Error::shape(operation, message));
            }
        }
        let gamma = self.gamma.as_ref().map(packed);
        let beta = self.beta.as_ref().map(packed);
        Ok([
            gamma.unwrap_or_else(|| Tensor::ones([width])),
            beta.unwrap_or_else(|| Tensor::zeros([width])),
        ])
    }

    fn kernel<'a>(&self, [gamma, beta]: &'a [Tensor<E>; 2]) -> RowNorm<'a, E> {
        RowNorm {
            gamma: values(gamma),
            beta: values(beta),
            epsilon: self.epsilon,
            centered: self.centered,
        }
    }
}

impl<E: Element> Tensor<E> {
    /// Normalization of the rows of `[…, width]`, in one pass; the same bits on every instruction set and number of threads.
    ///
    /// ```
    /// use taper_tensor::{ops::RowNormalization, Tensor};
    /// let norm = RowNormalization { gamma: None, beta: None, epsilon: 0.0, centered: true };
    /// let x = Tensor::from_vec([1, 2], vec![1.0f32, 3.0])?;
    /// let y = x.row_normalization(&norm)?;
    /// assert_eq!(y.output.to_vec(), [-1.0, 1.0]);
    /// assert_eq!(y.statistics.to_vec(), [2.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is a scalar, or γ or β is not `[width]`.
    pub fn row_normalization(&self, norm: &RowNormalization<E>) -> Result<Normed<E>> {
        let settings = norm.settings("row_normalization", self.shape())?;
        let x = packed(self);
        let rows = self.shape()[..self.rank() - 1].iter().product();
        let mut y = Buffer::uninit(x.len());
        let mut statistics = Buffer::zeros(2 * rows);
        if !x.is_empty() {
            E::row_norm(values(&x), &norm.kernel(&settings), &mut y, &mut statistics);
        }
        Ok(Normed {
            output: Tensor::from_buffer(self.shape(), y),
            statistics: Tensor::from_buffer([rows, 2], statistics),
        })
    }

    /// The gradients of [`row_normalization`](Self::row_normalization) of `input`, which found these `statistics`; `self` is the
    /// gradient of its output.
    ///
    /// With x̂ the normalized input and d = `self` · γ: the input gets (d − mean d − x̂ · mean(d · x̂)) / √(variance + ε), without
    /// `mean d` if the mean was not taken away; γ gets Σ `self` · x̂ over the rows, β gets Σ `self`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn row_normalization_gradients(
        &self,
        input: &Self,
        norm: &RowNormalization<E>,
        statistics: &Self,
    ) -> Result<RowNormGradients<E>> {
        const NAME: &str = "row_normalization_gradients";
        let settings = norm.settings(NAME, input.shape())?;
        let width = settings[0].len();
        let rows: usize = input.shape()[..input.rank() - 1].iter().product();
        if self.shape() != input.shape() || statistics.shape() != [rows, 2] {
            let message = format!(
                "the gradient is {:?} and the statistics are {:?}, of an input {:?}",
                self.shape(),
                statistics.shape(),
                input.shape()
            );
            return Err(Error::shape(NAME, message));
        }
        let (dy, x, statistics) = (packed(self), packed(input), packed(statistics));
        let mut dx = Buffer::uninit(x.len());
        let (mut gamma, mut beta) = (Buffer::zeros(width), Buffer::zeros(width));
        if !x.is_empty() {
            E::row_norm_gradients(
                values(&dy),
                values(&x),
                &norm.kernel(&settings),
                values(&statistics),
                &mut dx,
                &mut gamma,
                &mut beta,
            );
        }
        Ok(RowNormGradients {
            input: Tensor::from_buffer(self.shape(), dx),
            gamma: Tensor::from_buffer([width], gamma),
            beta: Tensor::from_buffer([width], beta),
        })
    }
}
