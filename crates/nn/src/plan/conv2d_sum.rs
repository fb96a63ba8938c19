//! Conv2D, bias, a sum with another value and relu in one pass over the output: the end of a residual block. Not a row
//! of the table of patterns, because two values meet in it; the plan looks for it where it meets a junction.

use crate::layers::{Conv2D, kernel_and_bias};
use crate::{ActivationKind, Junction, Layer, Result, junctions};
use taper_autograd::Var;
use taper_tensor::{Conv2dSpec, Element};

/// What it is called among the stages of a plan.
pub(super) const NAME: &str = "conv2d_sum";

/// A convolution and the sum of two that alone reads it.
#[derive(Debug)]
pub(super) struct ConvolutionAndSum {
    spec: Conv2dSpec,
    use_bias: bool,
}

impl ConvolutionAndSum {
    /// That of these two, if their kernel can do both: relu stands behind the sum, not in front of it.
    pub(super) fn of<E: Element>(
        layer: &dyn Layer<E>,
        junction: &dyn Junction<E>,
        inputs: usize,
    ) -> Option<Self> {
        let is_sum = junction.as_any().is::<junctions::Add>() && inputs == 2;
        let conv: &Conv2D = layer.as_any().downcast_ref().filter(|_| is_sum)?;
        // An activity regularizer wants to see the layer's own output.
        let is_plain =
            conv.activation == ActivationKind::Linear && conv.activity_regularizer.is_none();
        is_plain.then(|| ConvolutionAndSum {
            spec: conv.spec(),
            use_bias: conv.use_bias,
        })
    }

    /// The sum of the convolution of `x` and `other`, and relu of it where there is one; `weights` are the convolution's.
    pub(super) fn forward<E: Element>(
        &self,
        x: &Var<E>,
        other: &Var<E>,
        weights: &[Var<E>],
        relu: bool,
    ) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Conv2D", weights, self.use_bias)?;
        Ok(x.conv2d_sum(kernel, bias, other, relu, &self.spec)?)
    }
}
