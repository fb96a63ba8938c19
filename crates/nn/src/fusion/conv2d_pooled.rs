//! Conv2D, bias, relu, dropout and 2×2 max pooling in one pass: what the pooling throws away is never stored.

use super::conv2d::{convolution, random_convolution};
use super::{Fused, Match, Row, Sample, Tail, downcast};
use crate::layers::{Conv2D, MaxPooling2D, kernel_and_bias};
use crate::{ActivationKind, Context, Result};
use taper_autograd::Var;
use taper_autograd::ops::POOLING;
use taper_tensor::{Conv2dSpec, Element};

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        name: "conv2d_pooled",
        about: "Conv2D (relu, or Activation(relu) behind it), Dropout, MaxPooling2D (2×2, stride 2, valid)",
        file: file!(),
        find: |layers| {
            let (_, tail) = convolution(layers)?;
            let conv = downcast::<E, Conv2D>(layers, 0)?;
            let pooling = downcast::<E, MaxPooling2D>(layers, tail.covers)?;
            if !tail.is_relu() || pooling.spec() != POOLING {
                return None;
            }
            let run = PooledConv2D {
                spec: conv.spec(),
                use_bias: conv.use_bias,
                tail,
            };
            Some(Match {
                covers: tail.covers + 1,
                run: Box::new(run),
            })
        },
        sample: |sampler| {
            let (mut layers, mut input) = random_convolution(sampler, &[ActivationKind::Relu]);
            // Stride 2 and a 3×3 kernel must leave at least a 2×2 output.
            input[0] += 2;
            input[1] += 2;
            layers.push(Box::new(MaxPooling2D::new(2)));
            Sample { layers, input }
        },
    }
}

#[derive(Debug)]
struct PooledConv2D {
    spec: Conv2dSpec,
    use_bias: bool,
    tail: Tail,
}

impl<E: Element> Fused<E> for PooledConv2D {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Conv2D", weights, self.use_bias)?;
        Ok(x.conv2d_pooled(kernel, bias, &self.tail.epilogue(context), &self.spec)?)
    }
}
