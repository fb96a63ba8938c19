//! Two-dimensional convolution.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::ops::conv2d_fused::Geometry;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element, Result};

impl<E: Element> Var<E> {
    /// The convolution of images `[n, h, w, c]` with a kernel `[kh, kw, c / groups, out]` → `[n, oh, ow, out]`; strides,
    /// padding, dilation and groups as `spec` says. (As everywhere in deep learning, the kernel is not flipped.)
    ///
    /// Gradients as for [`Var::conv2d_fused`], which it is, without bias and epilogue.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Conv2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let kernel = tape.parameter(&Tensor::from_vec([2, 2, 1, 1], vec![1.0, 0.0, 0.0, -1.0])?);
    /// let y = x.conv2d(&kernel, &Conv2dSpec::default())?;
    /// assert_eq!(y.value().to_vec(), [-3.0]);
    /// assert_eq!(y.sum().backward()?[&kernel].to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn conv2d(&self, kernel: &Var<E>, spec: &Conv2dSpec) -> Result<Var<E>> {
        self.conv2d_fused(kernel, None, &Epilogue::default(), spec)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "conv2d",
    formula: "y[i, j] = Σ x[i + p, j + q] · kernel[p, q]",
    sample: |s| {
        let Geometry {
            input,
            kernel,
            spec,
        } = Geometry::draw(s);
        Sample::new(move |v| v[0].conv2d(&v[1], &spec))
            .input("x", s.tensor(&input))
            .input("kernel", s.tensor(&kernel))
    },
};
