//! Transposed convolutions; what follows their sums is done in place.

use super::{Cut, Found, Item, Row, Then, Work, batch_of_one};
use crate::layers::{Sides, TransposedConvolution};
use crate::{Pair, Result, Single};
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::prepared::PreparedConv2dTranspose;

pub(super) fn row() -> Row {
    Row {
        name: "conv2d_transpose",
        about: "Conv1DTranspose, Conv2DTranspose",
        file: file!(),
        find: |_, ahead| match find::<Pair>(&ahead[0])? {
            Some(found) => Ok(Some(found)),
            None => find::<Single>(&ahead[0]),
        },
    }
}

fn find<S: Sides>(item: &Item<'_>) -> Result<Option<Found>> {
    let Some(layer) = item.downcast::<TransposedConvolution<S>>() else {
        return Ok(None);
    };
    let images = S::image(item.input).zip(S::image(item.output));
    let (Some((from, to)), Some(kernel)) = (images, item.weight(0)) else {
        return Ok(None);
    };
    if kernel.is_empty() {
        return Ok(None);
    }
    let [height, width] = layer.kernel_size.on_image(1);
    let kernel = kernel.reshape([height, width, to[2], from[2]])?;
    let back = batch_of_one(&to);
    let g = ConvGeometry::new("conv2d_transpose", &layer.spec(), &back, kernel.shape())?;
    let bias = item
        .weight(1)
        .map(|bias| Then::ScaleAndShift(vec![1.0; to[2]], bias.to_vec()));
    let activation = Then::activation(layer.activation, item.output);
    Ok(Some(Found {
        covers: 1,
        work: Box::new(PreparedConv2dTranspose::new(g, &kernel)),
        then: bias.into_iter().chain(activation).collect(),
    }))
}

impl Work for PreparedConv2dTranspose {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], _cut: Cut) -> Result<()> {
        PreparedConv2dTranspose::run(self, n, x, y);
        Ok(())
    }

    /// It cuts the batch itself.
    fn is_local(&self) -> bool {
        false
    }

    fn products(&self) -> usize {
        PreparedConv2dTranspose::products(self)
    }

    fn is_cut(&self, n: usize) -> bool {
        n * self.products() > taper_tensor::prepared::TASK_PRODUCTS
    }
}
