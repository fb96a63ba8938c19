//! Average pooling, of windows and of whole images.

use super::{Cut, Found, Item, Row, Work, batch_of_one};
use crate::layers::{AveragePooling2D, GlobalAveragePooling2D};
use crate::{Padding, Result};
use taper_tensor::Pool2dSpec;
use taper_tensor::kernels::PoolGeometry;
use taper_tensor::prepared::PreparedAveragePool2d;

pub(super) fn row() -> Row {
    Row {
        name: "average_pooling",
        about: "AveragePooling2D, GlobalAveragePooling2D",
        file: file!(),
        find: |_, ahead| find(&ahead[0]),
    }
}

fn find(item: &Item<'_>) -> Result<Option<Found>> {
    let spec = if let Some(layer) = item.downcast::<AveragePooling2D>() {
        layer.spec()
    } else if let (Some(_), &[height, width, _]) =
        (item.downcast::<GlobalAveragePooling2D>(), item.input)
    {
        Pool2dSpec {
            size: [height, width],
            strides: [1, 1],
            padding: Padding::Valid,
        }
    } else {
        return Ok(None);
    };
    let g = PoolGeometry::new("average_pool2d", &spec, &batch_of_one(item.input))?;
    Ok(Some(Found {
        covers: 1,
        work: Box::new(Pooling {
            additions: g.output() * g.rows.taps * g.columns.taps,
            kernel: PreparedAveragePool2d::new(g),
        }),
        then: Vec::new(),
    }))
}

#[derive(Debug)]
struct Pooling {
    additions: usize,
    kernel: PreparedAveragePool2d,
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
        self.additions
    }

    fn is_cut(&self, _n: usize) -> bool {
        false
    }
}
