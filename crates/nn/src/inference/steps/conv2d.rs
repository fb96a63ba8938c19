//! Conv2D with what can follow it in the same pass: scale and shift, relu, 2×2 maximum.

use super::{Cut, Found, Item, Row, Sums, Work, batch_of_one, follower};
use crate::Result;
use crate::layers::{Conv2D, MaxPooling2D};
use taper_autograd::ops::POOLING;
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::prepared::PreparedConv2d;

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
    // A kernel that has no values cannot be packed.
    let sums = Sums::of(ahead, conv.activation).filter(|sums| !sums.weights.kernel.is_empty());
    let Some(sums) = sums else {
        return Ok(None);
    };
    let behind = follower(ahead, sums.covers);
    let pooling = behind.and_then(|item| item.downcast::<MaxPooling2D>());
    let pooled = sums.then.is_none() && pooling.is_some_and(|layer| layer.spec() == POOLING);
    let input = batch_of_one(ahead[0].input);
    let (kernel, bias) = (&sums.weights.kernel, sums.weights.bias.as_ref());
    let g = ConvGeometry::new("conv2d", &conv.spec(), &input, kernel.shape())?;
    Ok(Some(Found {
        covers: sums.covers + usize::from(pooled),
        work: Box::new(PreparedConv2d::new(g, kernel, bias, sums.relu, pooled)),
        then: sums.then.into_iter().collect(),
    }))
}

impl Work for PreparedConv2d {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Result<()> {
        PreparedConv2d::run(self, n, x, None, y, cut);
        Ok(())
    }

    fn with_sum(&self, relu: bool) -> Option<PreparedConv2d> {
        PreparedConv2d::with_sum(self, relu)
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        PreparedConv2d::products(self)
    }

    fn is_cut(&self, _n: usize) -> bool {
        PreparedConv2d::is_cut(self)
    }
}
