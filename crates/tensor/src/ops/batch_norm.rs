//! Batch normalization over the last axis.

use super::arguments::{packed, values};
use crate::buffer::Buffer;
use crate::kernels::ChannelMap;
use crate::{Element, Error, Result, Tensor};

/// What batch normalization does to each channel (the last axis): `γ · (x − mean) / √(variance + ε) + β`, then relu.
/// After Ioffe and Szegedy 2015.
#[derive(Clone, Debug)]
pub struct BatchNorm<E: Element = f32> {
    /// Means of the channels `[c]`.
    pub mean: Tensor<E>,
    /// Their variances `[c]`.
    pub variance: Tensor<E>,
    /// The scale γ `[c]`; `None`: 1.
    pub gamma: Option<Tensor<E>>,
    /// The offset β `[c]`; `None`: 0.
    pub beta: Option<Tensor<E>>,
    /// ε, added to the variance.
    pub epsilon: f64,
    /// Whether relu follows.
    pub relu: bool,
}

/// Gradients of a batch normalization.
#[derive(Clone, Debug)]
pub struct BatchNormGradients<E: Element = f32> {
    /// With respect to the input, if it was wanted.
    pub input: Option<Tensor<E>>,
    /// With respect to γ `[c]`.
    pub gamma: Tensor<E>,
    /// With respect to β `[c]`.
    pub beta: Tensor<E>,
}

impl<E: Element> BatchNorm<E> {
    /// Packs what the kernels read, checked against the `shape` of an input.
    fn settings(&self, operation: &'static str, shape: &[usize]) -> Result<Settings<E>> {
        let Some(&channels) = shape.last() else {
            let message = "the input must have a last axis, it is a scalar";
            return Err(Error::shape(operation, message));
        };
        let given = [
            ("mean", Some(&self.mean)),
            ("variance", Some(&self.variance)),
            ("gamma", self.gamma.as_ref()),
            ("beta", self.beta.as_ref()),
        ];
        for (name, tensor) in given {
            if let Some(found) = tensor.map(Tensor::shape).filter(|s| *s != [channels]) {
                let message =
                    format!("the {name} must be [{channels}], it is {found:?} (input {shape:?})");
                return Err(Error::shape(operation, message));
            }
        }
        let variance = packed(&self.variance);
        let inverse = |v: &E| E::from_f64(1.0 / ((*v).to_f64() + self.epsilon).sqrt());
        let inverse = Tensor::from_fn([channels], |c| inverse(&values(&variance)[c]));
        let factor = match &self.gamma {
            Some(gamma) => inverse.mul(gamma)?,
            None => inverse.clone(),
        };
        Ok(Settings {
            mean: packed(&self.mean),
            inverse,
            factor,
            offset: match &self.beta {
                Some(beta) => packed(beta),
                None => Tensor::zeros([channels]),
            },
            relu: self.relu,
        })
    }
}

/// One value a channel each, packed.
struct Settings<E: Element> {
    mean: Tensor<E>,
    /// 1 / √(variance + ε)
    inverse: Tensor<E>,
    factor: Tensor<E>,
    offset: Tensor<E>,
    relu: bool,
}

impl<E: Element> Settings<E> {
    fn map(&self) -> ChannelMap<'_, E> {
        ChannelMap {
            mean: values(&self.mean),
            factor: values(&self.factor),
            offset: values(&self.offset),
            relu: self.relu,
        }
    }
}

impl<E: Element> Tensor<E> {
    /// Mean and biased variance over all axes but the last, in pieces over a fixed tree: `[…, c]` → `[c]` each. Where
    /// there is nothing to take them of, they are zero.
    ///
    /// ```
    /// let x = taper_tensor::Tensor::from_vec([2, 2], vec![1.0f32, 10.0, 3.0, 10.0])?;
    /// let (mean, variance) = x.channel_moments();
    /// assert_eq!((mean.to_vec(), variance.to_vec()), (vec![2.0, 10.0], vec![1.0, 0.0]));
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn channel_moments(&self) -> (Self, Self) {
        let channels = self.shape().last().copied().unwrap_or(1);
        let x = packed(self);
        let (mut mean, mut variance) = (Buffer::uninit(channels), Buffer::uninit(channels));
        E::moments(values(&x), &mut mean, &mut variance);
        (
            Tensor::from_buffer([channels], mean),
            Tensor::from_buffer([channels], variance),
        )
    }

    /// Batch normalization of `[…, c]`, and relu if `norm` has one, in one pass.
    ///
    /// ```
    /// use taper_tensor::{ops::BatchNorm, Tensor};
    /// let x = Tensor::from_vec([2, 1], vec![1.0f32, 3.0])?;
    /// let (mean, variance) = x.channel_moments();
    /// let norm = BatchNorm { mean, variance, gamma: None, beta: None, epsilon: 0.0, relu: false };
    /// let y = x.batch_normalization(&norm)?;
    /// assert_eq!(y.to_vec(), [-1.0, 1.0]);
    /// // All of the gradient goes into what the normalization takes away again: shift and scale.
    /// let gradients = y.batch_normalization_gradients(&x, &norm, true, true)?;
    /// assert_eq!(gradients.input.unwrap().to_vec(), [0.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is a scalar or a value a channel is not `[c]`.
    pub fn batch_normalization(&self, norm: &BatchNorm<E>) -> Result<Self> {
        let settings = norm.settings("batch_normalization", self.shape())?;
        let x = packed(self);
        let mut y = Buffer::uninit(x.len());
        if !x.is_empty() {
            E::channel_map(values(&x), &settings.map(), &mut y);
        }
        Ok(Tensor::from_buffer(self.shape(), y))
    }

    /// The gradients of [`batch_normalization`](Self::batch_normalization) of `input`; `self` is the gradient of its
    /// output. With `of_batch`, mean and variance are those of `input` itself and move with it; otherwise they stand
    /// still. Two passes: the sums over the channels, and the input's gradient.
    ///
    /// With d the gradient before the relu, x̂ = (x − mean) / √(variance + ε) and N the rows: β gets Σd, γ gets Σd·x̂,
    /// the input γ / √(variance + ε) · (d − Σd / N − x̂ · Σd·x̂ / N), without the last two terms if the statistics stand
    /// still.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn batch_normalization_gradients(
        &self,
        input: &Self,
        norm: &BatchNorm<E>,
        of_batch: bool,
        want_input: bool,
    ) -> Result<BatchNormGradients<E>> {
        const NAME: &str = "batch_normalization_gradients";
        if self.shape() != input.shape() {
            let (found, expected) = (self.shape(), input.shape());
            let message = format!("the gradient must be {expected:?}, it is {found:?}");
            return Err(Error::shape(NAME, message));
        }
        let settings = norm.settings(NAME, input.shape())?;
        let map = settings.map();
        let channels = map.mean.len();
        let (dy, x) = (packed(self), packed(input));
        let (mut beta, mut gamma) = (Buffer::zeros(channels), Buffer::zeros(channels));
        if !x.is_empty() {
            E::channel_map_sums(values(&dy), values(&x), &map, &mut beta, &mut gamma);
        }
        let inverse = values(&settings.inverse);
        gamma.iter_mut().zip(inverse).for_each(|(g, &r)| *g *= r);
        let dx = want_input.then(|| {
            let mut dx = Buffer::uninit(x.len());
            let (mut slope, mut constant) = (Buffer::zeros(channels), Buffer::zeros(channels));
            if of_batch {
                let share = E::from_f64(1.0 / (x.len() / channels.max(1)).max(1) as f64);
                for c in 0..channels {
                    let minus = -map.factor[c] * share;
                    slope[c] = minus * inverse[c] * gamma[c];
                    constant[c] = minus * beta[c];
                }
            }
            if !x.is_empty() {
                let (dy, x) = (values(&dy), values(&x));
                E::channel_map_gradient(dy, x, &map, &slope, &constant, &mut dx);
            }
            Tensor::from_buffer(self.shape(), dx)
        });
        Ok(BatchNormGradients {
            input: dx,
            gamma: Tensor::from_buffer([channels], gamma),
            beta: Tensor::from_buffer([channels], beta),
        })
    }
}
