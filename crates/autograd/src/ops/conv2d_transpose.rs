//! Transposed convolution: the gradient of a convolution's input as a forward pass.

use crate::gradcheck::{Sample, Spec};
use crate::ops::conv2d_fused::Geometry;
use crate::{Op, Var};
use taper_tensor::{Conv2dSpec, Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Spreads images `[n, oh, ow, out]` over images of `size` `[h, w]`: → `[n, h, w, c]`, where the kernel
    /// `[kh, kw, c / groups, out]` is that of a convolution, with this `spec`, of images of that size into images like `self`.
    ///
    /// Gradients: that convolution of g, and its kernel's gradient for the input g and the output's gradient `self`. Saves
    /// self and kernel as far as they are needed.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Conv2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 1, 2, 1], vec![1.0, 2.0])?);
    /// let kernel = tape.constant(&Tensor::from_vec([1, 2, 1, 1], vec![1.0, 10.0])?);
    /// let y = x.conv2d_transpose(&kernel, [1, 3], &Conv2dSpec::default())?;
    /// assert_eq!(y.value().to_vec(), [1.0, 12.0, 20.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [11.0, 11.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the convolution of an image of `size` does not have the shape of `self`, or the variables belong to different
    /// tapes.
    pub fn conv2d_transpose(
        &self,
        kernel: &Var<E>,
        size: [usize; 2],
        spec: &Conv2dSpec,
    ) -> Result<Var<E>> {
        let n = self.shape().first().copied().unwrap_or(0);
        let per_group = kernel.shape().get(2).copied().unwrap_or(0);
        let shape = [n, size[0], size[1], per_group.saturating_mul(spec.groups)];
        let output = self
            .value()
            .conv2d_input_gradient(kernel.value(), &shape, spec)?;
        self.tape()
            .record(&[self, kernel], output, || Conv2dTranspose {
                input: self.saved_for(kernel),
                kernel: kernel.saved_for(self),
                kernel_shape: kernel.shape().to_vec(),
                spec: *spec,
            })
    }
}

struct Conv2dTranspose<E: Element> {
    input: Option<Tensor<E>>,
    kernel: Option<Tensor<E>>,
    kernel_shape: Vec<usize>,
    spec: Conv2dSpec,
}

impl<E: Element> Op<E> for Conv2dTranspose<E> {
    fn name(&self) -> &'static str {
        "conv2d_transpose"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let (kernel, input) = (self.kernel.as_ref(), self.input.as_ref());
        Ok(vec![
            kernel
                .map(|kernel| gradient.conv2d(kernel, &self.spec))
                .transpose()?,
            input
                .map(|x| x.conv2d_kernel_gradient(&gradient, &self.kernel_shape, &self.spec))
                .transpose()?,
        ])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "conv2d_transpose",
    formula: "y[i + p, j + q] = Σ x[i, j] · kernel[p, q]",
    sample: |s| {
        let Geometry {
            input,
            kernel,
            spec,
        } = Geometry::draw(s);
        let size = [input[1], input[2]];
        let output = spec.output_shape(&input, &kernel).unwrap_or_default();
        Sample::new(move |v| v[0].conv2d_transpose(&v[1], size, &spec))
            .input("x", s.tensor(&output))
            .input("kernel", s.tensor(&kernel))
    },
};
