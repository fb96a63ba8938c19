//! Dense, bias, activation function and dropout in one pass over the output.

use super::{Fused, Match, Row, Sample, Tail, downcast, fusible, random_tail};
use crate::layers::{Dense, as_matrix, kernel_and_bias};
use crate::{ActivationKind, Context, Initializer, Layer, Result};
use taper_autograd::Var;
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        name: "dense",
        about: "Dense (linear, relu, tanh, sigmoid, elu or selu), Activation of these, Dropout (behind a relu)",
        file: file!(),
        find: |layers| {
            let dense = downcast::<E, Dense>(layers, 0)?;
            // An activity regularizer wants to see the layer's own output.
            if dense.activity_regularizer.is_some() {
                return None;
            }
            let tail = Tail::of(layers, dense.activation)?;
            let run = FusedDense {
                use_bias: dense.use_bias,
                tail,
            };
            Some(Match {
                covers: tail.covers,
                run: Box::new(run),
            })
        },
        sample: |sampler| {
            let activation = [ActivationKind::Linear, fusible(sampler)];
            let activation = sampler.one_of(&activation);
            let dense = Dense::new(sampler.integer(1, 20))
                .activation(activation)
                .use_bias(sampler.coin())
                .bias_initializer(Initializer::Constant(0.1));
            let mut layers: Vec<Box<dyn Layer<E>>> = vec![Box::new(dense)];
            random_tail(sampler, &mut layers, activation);
            Sample {
                layers,
                input: sampler.shape(1, 2, 20),
            }
        },
    }
}

#[derive(Debug)]
struct FusedDense {
    use_bias: bool,
    tail: Tail,
}

impl<E: Element> Fused<E> for FusedDense {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Dense", weights, self.use_bias)?;
        let epilogue = self.tail.epilogue(context);
        as_matrix(x, |x| Ok(x.dense(kernel, bias, &epilogue)?))
    }
}
