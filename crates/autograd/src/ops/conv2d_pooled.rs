//! Convolution, bias, relu, dropout and 2×2 max pooling in one pass.

use crate::gradcheck::{Sample, Spec};
use crate::ops::conv2d_fused::{Geometry, smooth_inputs};
use crate::{Op, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element, Padding, Pool2dSpec, PoolPositions, Result, Tensor};

/// The pooling that [`Var::conv2d_pooled`] does: 2×2 windows, stride 2, odd rows and columns at the end left out.
pub const POOLING: Pool2dSpec = Pool2dSpec {
    size: [2, 2],
    strides: [2, 2],
    padding: Padding::Valid,
};

impl<E: Element> Var<E> {
    /// max_pool2d(dropout(relu(conv2d(self, kernel) + bias))) in one pass; the pooling is 2×2 with stride 2 and
    /// valid padding, relu and dropout are as `epilogue` says.
    ///
    /// Shapes: self `[n, h, w, c]`, kernel `[kh, kw, c / groups, out]`, bias `[out]` → `[n, oh / 2, ow / 2, out]`.
    /// The full output of the convolution is never stored. Saves the input, the kernel and which of the four values
    /// was the largest. Without relu, or with groups, it is the composition of [`Var::conv2d_fused`] and [`Var::max_pool2d`].
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Epilogue, Conv2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([1, 2, 2, 1], vec![1.0, 2.0, 4.0, 3.0])?);
    /// let kernel = tape.parameter(&Tensor::from_vec([1, 1, 1, 1], vec![2.0])?);
    /// let bias = tape.parameter(&Tensor::from_vec([1], vec![1.0])?);
    /// let epilogue = Epilogue::relu(true);
    /// let y = x.conv2d_pooled(&kernel, Some(&bias), &epilogue, &Conv2dSpec::default())?;
    /// assert_eq!(y.value().to_vec(), [9.0]);
    /// let gradients = y.sum().backward()?;
    /// assert_eq!(gradients[&kernel].to_vec(), [4.0]);
    /// assert_eq!(gradients[&bias].to_vec(), [1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn conv2d_pooled(
        &self,
        kernel: &Var<E>,
        bias: Option<&Var<E>>,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
    ) -> Result<Var<E>> {
        if !epilogue.is_relu() || spec.groups != 1 {
            return self
                .conv2d_fused(kernel, bias, epilogue, spec)?
                .max_pool2d(&POOLING);
        }
        let (output, positions) =
            self.value()
                .conv2d_pooled(kernel.value(), bias.map(Var::value), epilogue, spec)?;
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        self.tape().record(&inputs, output, || Conv2dPooled {
            positions,
            input: self.value().clone(),
            kernel: kernel.value().clone(),
            epilogue: *epilogue,
            spec: *spec,
        })
    }
}

struct Conv2dPooled<E: Element> {
    positions: PoolPositions,
    input: Tensor<E>,
    kernel: Tensor<E>,
    epilogue: Epilogue,
    spec: Conv2dSpec,
}

impl<E: Element> Op<E> for Conv2dPooled<E> {
    fn name(&self) -> &'static str {
        "conv2d_pooled"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let Conv2dPooled {
            positions,
            input,
            kernel,
            epilogue,
            spec,
        } = *self;
        let back = gradient
            .conv2d_pooled_gradients(&positions, &input, &kernel, &epilogue, &spec, wanted[0])?;
        let mut gradients = vec![back.input, Some(back.kernel), Some(back.bias)];
        gradients.truncate(wanted.len());
        Ok(gradients)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "conv2d_pooled",
    formula: "max_pool2d(dropout(relu(conv2d(x, kernel) + bias)))",
    sample: |s| {
        // The convolution's output must be at least 2×2.
        let geometry = s.until(Geometry::draw, |geometry| {
            let output = geometry
                .spec
                .output_shape(&geometry.input, &geometry.kernel);
            output.is_ok_and(|output| output[1] >= 2 && output[2] >= 2)
        });
        let (x, kernel, bias) = smooth_inputs(s, &geometry);
        let epilogue = s.epilogue();
        Sample::new(move |v| v[0].conv2d_pooled(&v[1], v.get(2), &epilogue, &geometry.spec))
            .input("x", x)
            .input("kernel", kernel)
            .inputs_from(bias.map(|bias| ("bias", bias)))
    },
};
