//! BatchNormalization and relu in one pass: what the relu clears is never stored.

use super::{Fused, Match, Row, Sample, downcast};
use crate::layers::{Activation, BatchNormalization};
use crate::{ActivationKind, Context, Initializer, Layer, Result};
use taper_autograd::Var;
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        name: "batch_normalization",
        about: "BatchNormalization, Activation(relu)",
        file: file!(),
        find: |layers| {
            let normalization = downcast::<E, BatchNormalization>(layers, 0)?;
            let activation = downcast::<E, Activation>(layers, 1)?.activation;
            (activation == ActivationKind::Relu).then(|| Match {
                covers: 2,
                run: Box::new(NormalizedRelu(normalization.clone())),
            })
        },
        sample: |sampler| {
            let normalization = BatchNormalization::new()
                .momentum(sampler.number(0.0, 1.0))
                .center(sampler.coin())
                .scale(sampler.coin())
                .beta_initializer(Initializer::Constant(0.2))
                .gamma_initializer(Initializer::Constant(-0.7));
            let relu = Activation::new(ActivationKind::Relu);
            let layers: Vec<Box<dyn Layer<E>>> = vec![Box::new(normalization), Box::new(relu)];
            Sample {
                layers,
                input: sampler.shape(1, 3, 20),
            }
        },
    }
}

#[derive(Debug)]
struct NormalizedRelu(BatchNormalization);

impl<E: Element> Fused<E> for NormalizedRelu {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        self.0.normalize(x, weights, true, context)
    }
}
