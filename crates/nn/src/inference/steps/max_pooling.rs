//! Max pooling that no convolution has taken in.

use super::{Cut, Found, Item, Row, Work, batch_of_one};
use crate::Result;
use crate::layers::{MaxPooling1D, MaxPooling2D};
use taper_tensor::kernels::PoolGeometry;
use taper_tensor::prepared::PreparedMaxPool2d;

pub(super) fn row() -> Row {
    Row {
        name: "max_pooling",
        about: "MaxPooling2D, MaxPooling1D",
        file: file!(),
        find: |_, ahead| find(&ahead[0]),
    }
}

fn find(item: &Item<'_>) -> Result<Option<Found>> {
    let (spec, image) = if let Some(layer) = item.downcast::<MaxPooling2D>() {
        (layer.spec(), item.input.to_vec())
    } else if let (Some(layer), &[steps, channels]) = (item.downcast::<MaxPooling1D>(), item.input)
    {
        (layer.spec(), vec![steps, 1, channels])
    } else {
        return Ok(None);
    };
    let g = PoolGeometry::new("max_pool2d", &spec, &batch_of_one(&image))?;
    Ok(Some(Found {
        covers: 1,
        work: Box::new(Pooling {
            comparisons: g.output() * g.rows.taps * g.columns.taps,
            kernel: PreparedMaxPool2d::new(g),
        }),
        then: Vec::new(),
    }))
}

#[derive(Debug)]
struct Pooling {
    comparisons: usize,
    kernel: PreparedMaxPool2d,
}

impl Work for Pooling {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], _cut: Cut) -> Result<()> {
        self.kernel.run(n, x, y);
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        self.comparisons
    }

    fn is_cut(&self, _n: usize) -> bool {
        false
    }
}
