//! Conv2D with what can follow it in the same pass: scale and shift, relu, 2×2 maximum.

use super::{Cut, Found, Item, Row, Then, Work, batch_of_one, has_values};
use crate::inference::fold::Weights;
use crate::layers::{Conv2D, MaxPooling2D};
use crate::{ActivationKind, Padding, Result};
use taper_tensor::Pool2dSpec;
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::prepared::{PreparedConv2d, TASK_PRODUCTS};

/// The pooling that the kernel knows.
const POOLING: Pool2dSpec = Pool2dSpec {
    size: [2, 2],
    strides: [2, 2],
    padding: Padding::Valid,
};

pub(super) fn row() -> Row {
    Row {
        name: "conv2d",
        about: "Conv2D, BatchNormalization (behind no activation), relu, MaxPooling2D (2×2, stride 2, valid)",
        file: file!(),
        find: |_, ahead| find(ahead),
    }
}

fn find(ahead: &[Item<'_>]) -> Result<Option<Found>> {
    let Some(conv) = ahead[0].downcast::<Conv2D>() else {
        return Ok(None);
    };
    let Some(mut weights) = Weights::of(&ahead[0]).filter(|w| has_values(&w.kernel)) else {
        return Ok(None);
    };
    // What follows must see the image as the convolution leaves it: a Reshape may stand between.
    let image = ahead[0].output;
    let follower = |covers: usize| ahead.get(covers).filter(|item| item.input == image);
    let (mut covers, mut activation) = (1, conv.activation);
    if activation == ActivationKind::Linear {
        if let Some(found) = follower(covers).and_then(Item::scale_and_shift) {
            weights = weights.folded(&found);
            covers += 1;
        }
        if let Some(kind) = follower(covers).and_then(Item::activation) {
            activation = kind;
            covers += 1;
        }
    }
    let relu = activation == ActivationKind::Relu;
    let then = if relu {
        None
    } else {
        Then::activation(activation, image)
    };
    let pooling = follower(covers).and_then(|item| item.downcast::<MaxPooling2D>());
    let pooled = then.is_none() && pooling.is_some_and(|layer| layer.spec() == POOLING);
    covers += usize::from(pooled);
    let input = batch_of_one(ahead[0].input);
    let g = ConvGeometry::new("conv2d", &conv.spec(), &input, weights.kernel.shape())?;
    let work = PreparedConv2d::new(g, &weights.kernel, weights.bias.as_ref(), relu, pooled);
    Ok(Some(Found {
        covers,
        work: Box::new(work),
        then: then.into_iter().collect(),
    }))
}

impl Work for PreparedConv2d {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Result<()> {
        PreparedConv2d::run(self, n, x, y, cut);
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        PreparedConv2d::products(self)
    }

    fn is_cut(&self, _n: usize) -> bool {
        PreparedConv2d::products(self) > TASK_PRODUCTS
    }
}
