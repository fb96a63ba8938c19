//! Convolutions with what can follow them in the same pass: scale and shift, relu, 2×2 maximum.

use super::{Cut, Found, Item, Row, Sums, Work, batch_of_one, follower};
use crate::Result;
use crate::inference::fold::Weights;
use crate::layers::{MaxPooling2D, convolving};
use taper_autograd::ops::POOLING;
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::prepared::{PreparedConv2d, PreparedSeparableConv2d};

pub(super) fn row() -> Row {
    Row {
        name: "conv2d",
        about: "Conv2D, Conv1D, DepthwiseConv and SeparableConv of both; BatchNormalization (behind no activation), relu, \
                MaxPooling2D (2×2, stride 2, valid, but behind no separable one)",
        file: file!(),
        find: |_, ahead| find(ahead),
    }
}

fn find(ahead: &[Item<'_>]) -> Result<Option<Found>> {
    let item = &ahead[0];
    let Some(layer) = convolving::<f32>(item.layer.as_any()) else {
        return Ok(None);
    };
    let (mut image, parts) = layer.parts(item.input);
    let weights = Weights::behind(item, parts.len().saturating_sub(1));
    let sums = weights.map(|weights| Sums::of(ahead, weights, layer.activation()));
    let (Some(sums), Some((&(spec, shape), in_front))) = (sums, parts.split_last()) else {
        return Ok(None);
    };
    // A kernel that has no values cannot be packed.
    if item.parameters.iter().any(|p| p.value.is_empty()) {
        return Ok(None);
    }
    let mut first = None;
    for (index, &(spec, shape)) in in_front.iter().enumerate() {
        let Some(kernel) = item.weight(index) else {
            return Ok(None);
        };
        let g = ConvGeometry::new("conv2d", &spec, &batch_of_one(&image), &shape)?;
        let kernel = kernel.reshape(shape)?;
        first = Some(PreparedConv2d::new(g, &kernel, None, false, false));
        image = [g.rows.outputs, g.columns.outputs, g.filters];
    }
    let behind = follower(ahead, sums.covers);
    let pooling = behind.and_then(|item| item.downcast::<MaxPooling2D>());
    let pooled = sums.then.is_none()
        && first.is_none()
        && pooling.is_some_and(|layer| layer.spec() == POOLING);
    let g = ConvGeometry::new("conv2d", &spec, &batch_of_one(&image), &shape)?;
    let (kernel, bias) = (
        sums.weights.kernel.reshape(shape)?,
        sums.weights.bias.as_ref(),
    );
    let last = PreparedConv2d::new(g, &kernel, bias, sums.relu, pooled);
    let work: Box<dyn Work> = match first {
        Some(first) => Box::new(PreparedSeparableConv2d::new(first, last)),
        None => Box::new(last),
    };
    Ok(Some(Found {
        covers: sums.covers + usize::from(pooled),
        work,
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

impl Work for PreparedSeparableConv2d {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Result<()> {
        PreparedSeparableConv2d::run(self, n, x, y, cut);
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        PreparedSeparableConv2d::products(self)
    }

    fn is_cut(&self, _n: usize) -> bool {
        PreparedSeparableConv2d::is_cut(self)
    }
}
