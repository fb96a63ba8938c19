//! A convolution, bias, activation function and dropout in one pass over the output.

use super::{Fused, Match, Row, Sample, Tail, fusible, random_tail};
use crate::layers::{
    Conv1D, Conv2D, Convolving, DepthwiseConv1D, DepthwiseConv2D, SeparableConv2D, convolving,
};
use crate::{ActivationKind, Context, Layer, Padding, Result};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        name: "conv2d_fused",
        about: "Conv2D, Conv1D, DepthwiseConv or SeparableConv (linear, relu, tanh, sigmoid, elu or selu), Activation of these, Dropout (behind a relu)",
        file: file!(),
        find: |layers| {
            let (layer, tail) = convolution(layers)?;
            let run = FusedConvolution {
                layer: layer.boxed(),
                tail,
            };
            Some(Match {
                covers: tail.covers,
                run: Box::new(run),
            })
        },
        sample: |sampler| {
            let activation = [ActivationKind::Linear, fusible(sampler)];
            random_kin(sampler).unwrap_or_else(|| {
                let (layers, input) = random_convolution(sampler, &activation);
                Sample { layers, input }
            })
        },
    }
}

/// A convolution at the head of `layers` and what of them its kernel can do as well.
pub(super) fn convolution<'a, E: Element>(
    layers: &[&'a dyn Layer<E>],
) -> Option<(&'a dyn Convolving<E>, Tail)> {
    let layer = convolving::<E>(layers.first()?.as_any())?;
    // An activity regularizer wants to see the layer's own output.
    if layer.penalizes() {
        return None;
    }
    Some((layer, Tail::of(layers, layer.activation())?))
}

/// Now and then another kind of convolution with its tail, and the shape of its input.
fn random_kin<E: Element>(sampler: &mut Sampler) -> Option<Sample<E>> {
    let activation = [ActivationKind::Linear, fusible(sampler)];
    let activation = sampler.one_of(&activation);
    let bias = crate::Initializer::Constant(0.1);
    let image = vec![7, sampler.integer(6, 9), sampler.integer(1, 5)];
    let sequence = image[1..].to_vec();
    let (layer, input): (Box<dyn Layer<E>>, _) = match sampler.integer(0, 7) {
        0 => {
            let layer = Conv1D::new(5, 3).padding(Padding::Causal);
            let layer = layer.activation(activation).bias_initializer(bias);
            (Box::new(layer), sequence)
        }
        1 => {
            let layer = DepthwiseConv1D::new(3).depth_multiplier(2);
            let layer = layer.activation(activation).bias_initializer(bias);
            (Box::new(layer), sequence)
        }
        2 => {
            let layer = DepthwiseConv2D::new(3).strides(2).padding(Padding::Same);
            let layer = layer.activation(activation).bias_initializer(bias);
            (Box::new(layer), image)
        }
        3 => {
            let layer = SeparableConv2D::new(4, [2, 3]).activation(activation);
            (Box::new(layer.bias_initializer(bias)), image)
        }
        _ => return None,
    };
    let mut layers = vec![layer];
    random_tail(sampler, &mut layers, activation);
    Some(Sample { layers, input })
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
struct FusedConvolution<E: Element> {
    layer: Box<dyn Convolving<E>>,
    tail: Tail,
}

impl<E: Element> Fused<E> for FusedConvolution<E> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        self.layer
            .convolve(x, weights, &self.tail.epilogue(context))
    }
}
