//! Convolution with bias, a sum with another variable, and relu in one pass: the end of a residual block.

use super::conv2d_fused::{Geometry, Sums};
use crate::gradcheck::{Sample, Spec};
use crate::support::ThroughEpilogue;
use crate::{Op, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// relu(conv2d(self, kernel) + bias + other), or without relu, in one pass; the same bits as
    /// `self.conv2d_fused(kernel, bias, …)?.add(other)?.relu()`.
    ///
    /// Shapes: self `[n, h, w, c]`, kernel `[kh, kw, c / groups, out]`, bias `[out]`, other and output `[n, oh, ow, out]`.
    /// Gradients, with z the gradient in front of relu: z for other; for the rest as in
    /// [`conv2d_fused`](Self::conv2d_fused). Saves self and kernel as far as they are needed, and the output if there is a
    /// relu.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{Conv2dSpec, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([1, 1, 3, 1], vec![1.0, 2.0, -3.0])?);
    /// let kernel = tape.parameter(&Tensor::from_vec([1, 1, 1, 1], vec![2.0])?);
    /// let y = x.conv2d_sum(&kernel, None, &x, true, &Conv2dSpec::default())?;
    /// assert_eq!(y.value().to_vec(), [3.0, 6.0, 0.0]);
    /// assert_eq!(y.sum().backward()?[&kernel].to_vec(), [3.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn conv2d_sum(
        &self,
        kernel: &Var<E>,
        bias: Option<&Var<E>>,
        other: &Var<E>,
        relu: bool,
        spec: &Conv2dSpec,
    ) -> Result<Var<E>> {
        let (addend, values) = (other.value(), bias.map(Var::value));
        let output = self
            .value()
            .conv2d_sum(kernel.value(), values, addend, relu, spec)?;
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        inputs.push(other);
        let epilogue = Epilogue::relu(relu);
        self.tape().record(&inputs, output.clone(), || Conv2dSum {
            sums: Sums::new(self, kernel, spec),
            has_bias: bias.is_some(),
            through: ThroughEpilogue::new(&epilogue, output),
        })
    }
}

struct Conv2dSum<E: Element> {
    sums: Sums<E>,
    has_bias: bool,
    through: ThroughEpilogue<E>,
}

impl<E: Element> Op<E> for Conv2dSum<E> {
    fn name(&self) -> &'static str {
        "conv2d_sum"
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
        let gradient = self.through.back(gradient)?;
        let bias = self.has_bias.then(|| wanted[2]);
        let mut gradients = self.sums.backward(&gradient, bias, so_far)?;
        gradients.push(wanted.last().copied().unwrap_or(false).then_some(gradient));
        Ok(gradients)
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "conv2d_sum",
    formula: "relu(conv2d(x, kernel) + bias + other)",
    sample: |s| {
        let geometry = Geometry::draw(s);
        let (x, kernel) = (s.tensor(&geometry.input), s.tensor(&geometry.kernel));
        let bias = s.coin().then(|| s.tensor(&geometry.kernel[3..]));
        let relu = s.coin();
        // No sum is near relu's kink: what is added is drawn last.
        let before = x.conv2d_fused(&kernel, bias.as_ref(), &Epilogue::default(), &geometry.spec);
        let before = before.unwrap_or_else(|_| Tensor::zeros([0]));
        let sums = s.distinct(before.shape()).to_vec();
        let before_values = before.to_vec();
        let other = Tensor::from_fn(before.shape(), |i| sums[i] - before_values[i]);
        let has_bias = bias.is_some();
        Sample::new(move |v| {
            let (bias, other) = if has_bias {
                (Some(&v[2]), &v[3])
            } else {
                (None, &v[2])
            };
            v[0].conv2d_sum(&v[1], bias, other, relu, &geometry.spec)
        })
        .input("x", x)
        .input("kernel", kernel)
        .inputs_from(bias.map(|bias| ("bias", bias)))
        .input("other", other)
    },
};
