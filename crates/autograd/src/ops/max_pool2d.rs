//! Max pooling of images.

use crate::gradcheck::{Sample, Sampler, Spec};
use crate::{Op, Var};
use taper_tensor::{Element, Padding, Pool2dSpec, PoolPositions, Result, Tensor};

impl<E: Element> Var<E> {
    /// The maxima of windows of images: `[n, h, w, c]` → `[n, oh, ow, c]`; window, strides and padding as `spec` says.
    ///
    /// Gradient: g where the maximum stood, summed where windows overlap. Saves the positions of the maxima.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Padding, Pool2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 4.0, 3.0])?);
    /// let y = x.max_pool2d(&Pool2dSpec { size: [2, 2], strides: [2, 2], padding: Padding::Valid })?;
    /// assert_eq!(y.value().to_vec(), [4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 0.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rank is not 4 or no window fits.
    pub fn max_pool2d(&self, spec: &Pool2dSpec) -> Result<Var<E>> {
        let (value, positions) = self.value().max_pool2d(spec)?;
        Ok(self.derive(value, || MaxPool2d {
            positions,
            shape: self.shape().to_vec(),
            spec: *spec,
        }))
    }
}

struct MaxPool2d {
    positions: PoolPositions,
    shape: Vec<usize>,
    spec: Pool2dSpec,
}

impl<E: Element> Op<E> for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(gradient.max_pool2d_gradient(
            &self.positions,
            &self.shape,
            &self.spec,
        )?)])
    }
}

/// A pooling and the shape of images that it fits.
pub(super) fn random_pooling(s: &mut Sampler) -> (Pool2dSpec, [usize; 4]) {
    let spec = Pool2dSpec {
        size: [s.integer(1, 3), s.integer(1, 3)],
        strides: [s.integer(1, 3), s.integer(1, 3)],
        padding: s.one_of(&[Padding::Valid, Padding::Same]),
    };
    let (height, width) = (
        spec.size[0] + s.integer(0, 3),
        spec.size[1] + s.integer(0, 3),
    );
    (spec, [s.integer(1, 2), height, width, s.integer(1, 3)])
}

pub(super) const SPEC: Spec = Spec {
    name: "max_pool2d",
    formula: "max of each window",
    sample: |s| {
        let (spec, shape) = random_pooling(s);
        Sample::new(move |v| v[0].max_pool2d(&spec)).input("x", s.distinct(&shape))
    },
};
