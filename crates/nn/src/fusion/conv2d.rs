//! Conv2D, bias, activation function and dropout in one pass over the output.

use super::{Fused, Match, Row, Sample, Tail, downcast, fusible, random_tail};
use crate::layers::{Conv2D, kernel_and_bias};
use crate::{ActivationKind, Context, Layer, Padding, Result};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Conv2dSpec, Element};

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        name: "conv2d_fused",
        about: "Conv2D (linear, relu, tanh, sigmoid, elu or selu), Activation of these, Dropout (behind a relu)",
        file: file!(),
        find: |layers| {
            let (conv, tail) = convolution(layers)?;
            let run = FusedConv2D {
                spec: conv.spec(),
                use_bias: conv.use_bias,
                tail,
            };
            Some(Match {
                covers: tail.covers,
                run: Box::new(run),
            })
        },
        sample: |sampler| {
            let activation = [ActivationKind::Linear, fusible(sampler)];
            let (layers, input) = random_convolution(sampler, &activation);
            Sample { layers, input }
        },
    }
}

/// A convolution at the head of `layers` and what of them its kernel can do as well.
pub(super) fn convolution<'a, E: Element>(
    layers: &[&'a dyn Layer<E>],
) -> Option<(&'a Conv2D, Tail)> {
    let conv = downcast::<E, Conv2D>(layers, 0)?;
    // An activity regularizer wants to see the layer's own output.
    if conv.activity_regularizer.is_some() {
        return None;
    }
    Some((conv, Tail::of(layers, conv.activation)?))
}

/// A random convolution with one of these activation functions and its tail, and the shape of its input.
pub(super) fn random_convolution<E: Element>(
    sampler: &mut Sampler,
    activations: &[ActivationKind],
) -> (Vec<Box<dyn Layer<E>>>, Vec<usize>) {
    let groups = sampler.integer(1, 2);
    let activation = sampler.one_of(activations);
    let conv = Conv2D::new(
        groups * sampler.integer(1, 6),
        [sampler.integer(1, 3), sampler.integer(1, 3)],
    )
    .strides([sampler.integer(1, 2), sampler.integer(1, 2)])
    .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
    .groups(groups)
    .activation(activation)
    .use_bias(sampler.coin())
    .bias_initializer(crate::Initializer::Constant(0.1));
    let input = vec![
        sampler.integer(6, 11),
        sampler.integer(6, 11),
        groups * sampler.integer(1, 4),
    ];
    let mut layers: Vec<Box<dyn Layer<E>>> = vec![Box::new(conv)];
    random_tail(sampler, &mut layers, activation);
    (layers, input)
}

#[derive(Debug)]
struct FusedConv2D {
    spec: Conv2dSpec,
    use_bias: bool,
    tail: Tail,
}

impl<E: Element> Fused<E> for FusedConv2D {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Conv2D", weights, self.use_bias)?;
        Ok(x.conv2d_fused(kernel, bias, &self.tail.epilogue(context), &self.spec)?)
    }
}
