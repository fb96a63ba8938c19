//! A transposed convolution for inference: the gradient of a convolution's input, whose geometry is decided beforehand.

use super::conv2d::touching;
use crate::Tensor;
use crate::kernels::conv;
use crate::kernels::geometry::ConvGeometry;

/// `[oh, ow, out]` → `[h, w, in]`, where `g` is the convolution that leads back.
#[derive(Clone, Debug)]
pub struct PreparedConv2dTranspose {
    g: ConvGeometry,
    kernel: Tensor,
}

impl PreparedConv2dTranspose {
    /// Shares the kernel, which is `[kh, kw, in / groups, out]` as `g` says.
    ///
    /// # Panics
    /// When the kernel does not have the shape that the geometry says.
    pub fn new(g: ConvGeometry, kernel: &Tensor) -> Self {
        assert_eq!(kernel.shape(), g.kernel_shape());
        let (g, kernel) = touching(g, kernel);
        PreparedConv2dTranspose { g, kernel }
    }

    /// Products of one image.
    pub fn products(&self) -> usize {
        self.g.products()
    }

    /// Runs `n` images, cut into tasks as the gradient is.
    ///
    /// # Panics
    /// When `x` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], y: &mut [f32]) {
        let g = ConvGeometry { n, ..self.g };
        let (x, y) = (&x[..n * g.output()], &mut y[..n * g.image()]);
        conv::input_gradient(&g, x, self.kernel.storage(), None, y);
    }
}
