//! Convolution with bias, activation function and dropout in one pass.

use crate::gradcheck::{Sample, Sampler, Spec, well_separated};
use crate::support::ThroughEpilogue;
use crate::{Op, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element, Padding, Result, Tensor};

impl<E: Element> Var<E> {
    /// dropout(activation(conv2d(self, kernel) + bias)) in one pass; activation function and dropout as `epilogue` says.
    ///
    /// Shapes: self `[n, h, w, c]`, kernel `[kh, kw, c / groups, out]`, bias `[out]` → `[n, oh, ow, out]`.
    /// Gradients, with z the gradient before the epilogue: the convolutions of z with the kernel and of the input
    /// with z, and z summed over all but the last axis (in one pass where self needs no gradient and there is an activation
    /// function). Saves self and kernel as far as they are needed, and the output if there is an activation function.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Epilogue, Conv2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([1, 1, 3, 1], vec![1.0, 2.0, -3.0])?);
    /// let kernel = tape.parameter(&Tensor::from_vec([1, 1, 1, 1], vec![2.0])?);
    /// let bias = tape.parameter(&Tensor::from_vec([1], vec![1.0])?);
    /// let epilogue = Epilogue::relu(true);
    /// let y = x.conv2d_fused(&kernel, Some(&bias), &epilogue, &Conv2dSpec::default())?;
    /// assert_eq!(y.value().to_vec(), [3.0, 5.0, 0.0]);
    /// let gradients = y.sum().backward()?;
    /// assert_eq!(gradients[&kernel].to_vec(), [3.0]);
    /// assert_eq!(gradients[&bias].to_vec(), [2.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, dropout stands behind another activation function than relu, or the variables belong to
    /// different tapes.
    pub fn conv2d_fused(
        &self,
        kernel: &Var<E>,
        bias: Option<&Var<E>>,
        epilogue: &Epilogue,
        spec: &Conv2dSpec,
    ) -> Result<Var<E>> {
        let output =
            self.value()
                .conv2d_fused(kernel.value(), bias.map(Var::value), epilogue, spec)?;
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        self.tape().record(&inputs, output.clone(), || Conv2dFused {
            sums: Sums::new(self, kernel, spec),
            through: ThroughEpilogue::new(epilogue, output),
        })
    }
}

struct Conv2dFused<E: Element> {
    sums: Sums<E>,
    through: ThroughEpilogue<E>,
}

impl<E: Element> Op<E> for Conv2dFused<E> {
    fn name(&self) -> &'static str {
        "conv2d_fused"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        self.backward_onto(gradient, wanted, &mut None)
    }

    fn backward_onto(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
        so_far: &mut Option<Tensor<E>>,
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let Conv2dFused { sums, through } = *self;
        let bias_wanted = wanted.get(2) == Some(&true);
        if let (Some(input), None, Some((output, epilogue)), true) =
            (&sums.input, &sums.kernel, through.activation(), bias_wanted)
        {
            let shape = &sums.kernel_shape;
            let (kernel, bias) =
                gradient.conv2d_parameter_gradients(output, epilogue, input, shape, &sums.spec)?;
            return Ok(vec![None, Some(kernel), Some(bias)]);
        }
        let gradient = through.back(gradient)?;
        sums.backward(&gradient, wanted.get(2).copied(), so_far)
    }
}

/// A convolution's sums of products and its bias: what their gradients need.
pub(super) struct Sums<E: Element> {
    input: Option<Tensor<E>>,
    kernel: Option<Tensor<E>>,
    input_shape: Vec<usize>,
    kernel_shape: Vec<usize>,
    spec: Conv2dSpec,
}

impl<E: Element> Sums<E> {
    pub(super) fn new(input: &Var<E>, kernel: &Var<E>, spec: &Conv2dSpec) -> Self {
        Sums {
            input: input.saved_for(kernel),
            kernel: kernel.saved_for(input),
            input_shape: input.shape().to_vec(),
            kernel_shape: kernel.shape().to_vec(),
            spec: *spec,
        }
    }

    /// The gradients of input, kernel and, where there is one, bias (which says whether its gradient is wanted), from that of
    /// the sums. What the input has been sent so far is taken and added to.
    pub(super) fn backward(
        &self,
        gradient: &Tensor<E>,
        bias: Option<bool>,
        so_far: &mut Option<Tensor<E>>,
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let (shape, spec) = (&self.input_shape, &self.spec);
        let kernel = self
            .input
            .as_ref()
            .map(|input| gradient.conv2d_kernel_gradient(input, &self.kernel_shape, spec))
            .transpose()?;
        let input = self
            .kernel
            .as_ref()
            .map(|kernel| match so_far.take() {
                Some(sum) => gradient.conv2d_input_gradient_sum(kernel, &sum, spec),
                None => gradient.conv2d_input_gradient(kernel, shape, spec),
            })
            .transpose()?;
        let mut gradients = vec![input, kernel];
        if let Some(wanted) = bias {
            gradients.push(wanted.then(|| gradient.sum_to_last_axis()));
        }
        Ok(gradients)
    }
}

/// A convolution to check.
pub(super) struct Geometry {
    pub(super) input: [usize; 4],
    pub(super) kernel: [usize; 4],
    pub(super) spec: Conv2dSpec,
}

impl Geometry {
    /// Small images, and kernels that fit into them.
    pub(super) fn draw(s: &mut Sampler) -> Self {
        let groups = s.one_of(&[1, 1, 2]);
        let dilation = s.one_of(&[[1, 1], [1, 1], [2, 1], [1, 2]]);
        let (kernel_height, kernel_width) = (s.integer(1, 3), s.integer(1, 3));
        let height = (kernel_height - 1) * dilation[0] + s.integer(1, 4);
        let width = (kernel_width - 1) * dilation[1] + s.integer(1, 4);
        let (n, channels, out) = (s.integer(1, 2), s.integer(1, 2), groups * s.integer(1, 2));
        Geometry {
            input: [n, height, width, groups * channels],
            kernel: [kernel_height, kernel_width, channels, out],
            spec: Conv2dSpec {
                strides: [s.integer(1, 2), s.integer(1, 2)],
                padding: s.one_of(&[Padding::Valid, Padding::Same]),
                dilation,
                groups,
            },
        }
    }
}

/// Input, kernel and perhaps bias of a convolution whose values before the epilogue are far from each other and
/// from relu's kink.
pub(super) fn smooth_inputs(
    s: &mut Sampler,
    geometry: &Geometry,
) -> (Tensor<f64>, Tensor<f64>, Option<Tensor<f64>>) {
    let with_bias = s.coin();
    let draw = |s: &mut Sampler| {
        let bias = with_bias.then(|| s.tensor(&geometry.kernel[3..]));
        (s.tensor(&geometry.input), s.tensor(&geometry.kernel), bias)
    };
    s.until(draw, |(x, kernel, bias)| {
        let before = x.conv2d_fused(kernel, bias.as_ref(), &Epilogue::default(), &geometry.spec);
        before.is_ok_and(|before| well_separated(&before, 2e-4))
    })
}

pub(super) const SPEC: Spec = Spec {
    name: "conv2d_fused",
    formula: "dropout(f(conv2d(x, kernel) + bias))",
    sample: |s| {
        let geometry = Geometry::draw(s);
        let (x, kernel, bias) = smooth_inputs(s, &geometry);
        let epilogue = s.epilogue();
        Sample::new(move |v| v[0].conv2d_fused(&v[1], v.get(2), &epilogue, &geometry.spec))
            .input("x", x)
            .input("kernel", kernel)
            .inputs_from(bias.map(|bias| ("bias", bias)))
    },
};
