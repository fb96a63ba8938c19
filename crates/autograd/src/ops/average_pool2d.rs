//! Average pooling of images.

use crate::gradcheck::{Sample, Spec};
use crate::ops::max_pool2d::random_pooling;
use crate::{Op, Var};
use taper_tensor::{Element, Pool2dSpec, Result, Tensor};

impl<E: Element> Var<E> {
    /// The averages of windows of images: `[n, h, w, c]` → `[n, oh, ow, c]`; window, strides and padding as `spec` says.
    /// Padding is not counted.
    ///
    /// Gradient: g divided by the number of values in the window, summed where windows overlap. Saves nothing.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Padding, Pool2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 4.0, 3.0])?);
    /// let y = x.average_pool2d(&Pool2dSpec { size: [2, 2], strides: [2, 2], padding: Padding::Valid })?;
    /// assert_eq!(y.value().to_vec(), [2.5]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.25; 4]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rank is not 4 or no window fits.
    pub fn average_pool2d(&self, spec: &Pool2dSpec) -> Result<Var<E>> {
        let value = self.value().average_pool2d(spec)?;
        Ok(self.derive(value, || AveragePool2d {
            shape: self.shape().to_vec(),
            spec: *spec,
        }))
    }
}

struct AveragePool2d {
    shape: Vec<usize>,
    spec: Pool2dSpec,
}

impl<E: Element> Op<E> for AveragePool2d {
    fn name(&self) -> &'static str {
        "average_pool2d"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let back = gradient.average_pool2d_gradient(&self.shape, &self.spec)?;
        Ok(vec![Some(back)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "average_pool2d",
    formula: "mean of each window",
    sample: |s| {
        let (spec, shape) = random_pooling(s);
        Sample::new(move |v| v[0].average_pool2d(&spec)).input("x", s.tensor(&shape))
    },
};
