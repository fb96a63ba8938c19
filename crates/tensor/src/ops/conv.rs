//! Convolutions and their gradients.

use super::arguments::{checked_activation, checked_bias, checked_epilogue, packed, values};
use super::touching::Touching;
use crate::buffer::Buffer;
use crate::kernels::arguments::Winners;
use crate::kernels::{After, Conv2dSpec, ConvGeometry, Epilogue, PoolPositions};
use crate::{Element, Error, Result, Tensor};
use std::sync::Arc;

/// Gradients of a pooled convolution.
pub struct PooledGradients<E: Element = f32> {
    /// With respect to the input, if it was wanted: `[n, h, w, in]`.
    pub input: Option<Tensor<E>>,
    /// With respect to the kernel: `[kh, kw, in, out]`.
    pub kernel: Tensor<E>,
    /// With respect to the bias: `[out]`.
    pub bias: Tensor<E>,
}

impl<E: Element> Tensor<E> {
    /// Convolution (cross-correlation, as everywhere in deep learning) of an NHWC input `[n, h, w, in]` with an HWIO
    /// kernel `[kh, kw, in / groups, out]` → `[n, oh, ow, out]`.
    ///
    /// ```
    /// use taper_tensor::{Conv2dSpec, Tensor};
    /// let image = Tensor::from_vec([1, 3, 3, 1], (1..=9).map(|v| v as f32).collect())?;
    /// let kernel = Tensor::ones([2, 2, 1, 1]);
    /// let sums = image.conv2d(&kernel, &Conv2dSpec::default())?;
    /// assert_eq!(sums.to_vec(), [12.0, 16.0, 24.0, 28.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d(&self, kernel: &Self, spec: &Conv2dSpec) -> Result<Self> {
        self.conv2d_fused(kernel, None, &Epilogue::default(), spec)
    }

    /// dropout(activation(conv2d(self, kernel) + bias)), in one pass.
    ///
    /// # Errors
    /// When the shapes do not fit, the dropout rate is not in `[0, 1)`, or dropout stands behind another activation function
    /// than relu.
    pub fn conv2d_fused(
        &self,
        kernel: &Self,
        bias: Option<&Self>,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        self.conv2d_and("conv2d", kernel, bias, None, epilogue, spec)
    }

    /// relu(conv2d(self, kernel) + bias + addend), or without relu, in one pass: the end of a residual block. `addend` has
    /// the shape of the convolution's output. The same bits as the sum behind [`conv2d_fused`](Self::conv2d_fused).
    ///
    /// ```
    /// use taper_tensor::{Conv2dSpec, Tensor};
    /// let image = Tensor::from_vec([1, 1, 2, 1], vec![1.0f32, 2.0])?;
    /// let (kernel, other) = (Tensor::full([1, 1, 1, 1], 3.0), Tensor::from_vec([1, 1, 2, 1], vec![-4.0, 1.0])?);
    /// let sum = image.conv2d_sum(&kernel, None, &other, true, &Conv2dSpec::default())?;
    /// assert_eq!(sum.to_vec(), [0.0, 7.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d_sum(
        &self,
        kernel: &Self,
        bias: Option<&Self>,
        addend: &Self,
        relu: bool,
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        let epilogue = Epilogue::relu(relu);
        self.conv2d_and("conv2d_sum", kernel, bias, Some(addend), &epilogue, spec)
    }

    fn conv2d_and(
        &self,
        name: &'static str,
        kernel: &Self,
        bias: Option<&Self>,
        addend: Option<&Self>,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        let touching = Touching::new(name, spec, self.shape(), kernel.shape())?;
        let g = touching.g;
        let bias = checked_bias(name, bias, g.filters)?;
        checked_epilogue(name, epilogue)?;
        if let Some(addend) = addend {
            addend.check_shape(name, "what is added", &g.output_shape())?;
        }
        let (x, k) = (packed(self), touching.part_of(kernel)?);
        let addend = addend.map(packed);
        let mut y = Buffer::uninit(g.n * g.output());
        let after = After {
            bias: bias.as_ref().map(values),
            addend: addend.as_ref().map(|addend| values(addend)),
            epilogue: *epilogue,
        };
        E::conv2d(&g, values(&x), values(&k), after, &mut y);
        Ok(Tensor::from_buffer(g.output_shape(), y))
    }

    /// The gradient of [`conv2d`](Self::conv2d) with respect to its input of shape `input_shape`; `self` is the gradient
    /// of its output.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d_input_gradient(
        &self,
        kernel: &Self,
        input_shape: &[usize],
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        self.conv2d_input_gradient_and(kernel, input_shape, None, spec)
    }

    /// The same, plus `addend`, which has the shape of the input: what other readers of the input have sent back to it. The
    /// same bits as the sum behind it, in one pass.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d_input_gradient_sum(
        &self,
        kernel: &Self,
        addend: &Self,
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        self.conv2d_input_gradient_and(kernel, addend.shape(), Some(addend), spec)
    }

    fn conv2d_input_gradient_and(
        &self,
        kernel: &Self,
        input_shape: &[usize],
        addend: Option<&Self>,
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        let touching = Touching::new("conv2d_input_gradient", spec, input_shape, kernel.shape())?;
        let g = touching.g;
        self.check_is_output("conv2d_input_gradient", &g.output_shape())?;
        let (dy, k) = (packed(self), touching.part_of(kernel)?);
        let addend = addend.map(packed);
        let addend = addend.as_ref().map(|addend| values(addend));
        let mut dx = Buffer::uninit(g.n * g.image());
        E::conv2d_input_gradient(&g, values(&dy), values(&k), addend, &mut dx);
        Ok(Tensor::from_buffer(g.input_shape(), dx))
    }

    /// The gradient of [`conv2d`](Self::conv2d) with respect to its kernel of shape `kernel_shape`; `self` is the
    /// gradient of its output.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d_kernel_gradient(
        &self,
        input: &Self,
        kernel_shape: &[usize],
        spec: &Conv2dSpec,
    ) -> Result<Self> {
        let touching = Touching::new("conv2d_kernel_gradient", spec, input.shape(), kernel_shape)?;
        let g = touching.g;
        self.check_is_output("conv2d_kernel_gradient", &g.output_shape())?;
        let (dy, x) = (packed(self), packed(input));
        let mut dk = Buffer::uninit(g.kernel_shape().iter().product());
        E::conv2d_kernel_gradient(&g, values(&dy), values(&x), &mut dk);
        touching.whole(Tensor::from_buffer(g.kernel_shape(), dk))
    }

    /// The gradients of [`conv2d_fused`](Self::conv2d_fused) with respect to its kernel of shape `kernel_shape` and its
    /// bias, in one pass, for a layer whose input needs none. `self` is the gradient of `output`, and the epilogue has an
    /// activation function (dropout's mask is where relu's `output` is not above zero).
    ///
    /// # Errors
    /// When the shapes do not fit, or there is no activation function.
    pub fn conv2d_parameter_gradients(
        &self,
        output: &Self,
        epilogue: &Epilogue,
        input: &Self,
        kernel_shape: &[usize],
        spec: &Conv2dSpec,
    ) -> Result<(Self, Self)> {
        let name = "conv2d_parameter_gradients";
        let touching = Touching::new(name, spec, input.shape(), kernel_shape)?;
        let g = touching.g;
        self.check_is_output(name, &g.output_shape())?;
        output.check_is_output(name, &g.output_shape())?;
        checked_epilogue(name, epilogue)?;
        let activation = checked_activation(name, epilogue)?;
        let (dy, y, x) = (packed(self), packed(output), packed(input));
        let scale = E::from_f64(epilogue.scale());
        let mut dk = Buffer::uninit(g.kernel_shape().iter().product());
        let mut db = Buffer::uninit(g.filters);
        let (dy, y, x) = (values(&dy), values(&y), values(&x));
        E::conv2d_parameter_gradients(&g, activation, dy, y, scale, x, &mut dk, &mut db);
        let bias = Tensor::from_buffer([g.filters], db);
        let kernel = touching.whole(Tensor::from_buffer(g.kernel_shape(), dk))?;
        Ok((kernel, bias))
    }

    /// The maximum over 2×2 windows (stride 2, valid) of dropout(relu(conv2d(self, kernel) + bias)). Keeps the maxima
    /// and which of the four won, never the convolution's own output.
    ///
    /// # Errors
    /// When the shapes do not fit, relu is off, the convolution is grouped, its output is smaller than a window, or
    /// the dropout rate is not in `[0, 1)`.
    pub fn conv2d_pooled(
        &self,
        kernel: &Self,
        bias: Option<&Self>,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
    ) -> Result<(Self, PoolPositions)> {
        let touching = Touching::new("conv2d_pooled", spec, self.shape(), kernel.shape())?;
        let g = touching.g;
        let pooled = pooled_shape(&g, epilogue)?;
        let bias = checked_bias("conv2d_pooled", bias, g.filters)?;
        checked_epilogue("conv2d_pooled", epilogue)?;
        let (x, k) = (packed(self), touching.part_of(kernel)?);
        let len = pooled.iter().product();
        let (mut y, mut winners) = (Buffer::uninit(len), Buffer::<u8>::uninit(len));
        E::conv2d_pooled(
            &g,
            values(&x),
            values(&k),
            bias.as_ref().map(values),
            epilogue,
            &mut y,
            &mut winners,
        );
        Ok((
            Tensor::from_buffer(pooled, y),
            PoolPositions(Winners::Bytes(Arc::new(winners))),
        ))
    }

    /// The gradients of [`conv2d_pooled`](Self::conv2d_pooled); `self` is the gradient of its output. Only the positions
    /// that won are touched.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn conv2d_pooled_gradients(
        &self,
        positions: &PoolPositions,
        input: &Self,
        kernel: &Self,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
        want_input: bool,
    ) -> Result<PooledGradients<E>> {
        const NAME: &str = "conv2d_pooled_gradients";
        let touching = Touching::new(NAME, spec, input.shape(), kernel.shape())?;
        let g = touching.g;
        self.check_is_output(NAME, &pooled_shape(&g, epilogue)?)?;
        let Winners::Bytes(winners) = &positions.0 else {
            return Err(Error::shape(
                NAME,
                "the positions are those of another operation",
            ));
        };
        if winners.len() != self.len() {
            let (found, expected) = (winners.len(), self.len());
            return Err(Error::shape(
                NAME,
                format!("{found} positions for {expected} outputs"),
            ));
        }
        let scale = E::from_f64(epilogue.scale());
        let (dy, x) = (packed(self), packed(input));
        let k = touching.part_of(kernel)?;
        let mut dx = want_input.then(|| Buffer::uninit(x.len()));
        let (mut dk, mut db) = (Buffer::uninit(k.len()), Buffer::uninit(g.filters));
        E::conv2d_pooled_gradients(
            &g,
            values(&dy),
            winners,
            values(&x),
            values(&k),
            scale,
            dx.as_deref_mut(),
            &mut dk,
            &mut db,
        );
        Ok(PooledGradients {
            input: dx.map(|dx| Tensor::from_buffer(g.input_shape(), dx)),
            kernel: touching.whole(Tensor::from_buffer(g.kernel_shape(), dk))?,
            bias: Tensor::from_buffer([g.filters], db),
        })
    }

    fn check_is_output(&self, operation: &'static str, expected: &[usize]) -> Result<()> {
        self.check_shape(operation, "the gradient", expected)
    }

    fn check_shape(&self, operation: &'static str, what: &str, expected: &[usize]) -> Result<()> {
        if self.shape() == expected {
            return Ok(());
        }
        Err(Error::shape(
            operation,
            format!("{what} must be {expected:?}, it is {:?}", self.shape()),
        ))
    }
}

/// `[n, oh / 2, ow / 2, out]`, or why the convolution cannot be pooled in one pass.
fn pooled_shape(g: &ConvGeometry, epilogue: &Epilogue) -> Result<[usize; 4]> {
    let fail = |what: &str| Err(Error::shape("conv2d_pooled", what));
    match g.output_shape() {
        _ if !epilogue.is_relu() => {
            fail("relu must be on: the position of a maximum below zero is not kept")
        }
        _ if g.groups != 1 => fail("a grouped convolution is not pooled in one pass"),
        [_, h, w, _] if h < 2 || w < 2 => {
            fail("the convolution's output is smaller than the 2×2 window")
        }
        [n, h, w, c] => Ok([n, h / 2, w / 2, c]),
    }
}
