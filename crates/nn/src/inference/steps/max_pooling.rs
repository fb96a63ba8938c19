//! Max pooling that no convolution has taken in, and what all poolings share.

use super::{Cut, Found, Row, Work, batch_of_one};
use crate::Result;
use crate::layers::{MaxPooling1D, MaxPooling2D};
use taper_tensor::Pool2dSpec;
use taper_tensor::kernels::PoolGeometry;
use taper_tensor::prepared::{Pooling, PreparedPool2d};

pub(super) fn row() -> Row {
    Row {
        name: "max_pooling",
        about: "MaxPooling2D, MaxPooling1D",
        file: file!(),
        find: |_, ahead| {
            let item = &ahead[0];
            if let Some(layer) = item.downcast::<MaxPooling2D>() {
                pooled(Pooling::Max, &layer.spec(), item.input).map(Some)
            } else if let (Some(layer), &[steps, channels]) =
                (item.downcast::<MaxPooling1D>(), item.input)
            {
                pooled(Pooling::Max, &layer.spec(), &[steps, 1, channels]).map(Some)
            } else {
                Ok(None)
            }
        },
    }
}

/// The pooling of images of this shape, as a step.
pub(super) fn pooled(pooling: Pooling, spec: &Pool2dSpec, image: &[usize]) -> Result<Found> {
    let operation = match pooling {
        Pooling::Max => "max_pool2d",
        Pooling::Average => "average_pool2d",
    };
    let g = PoolGeometry::new(operation, spec, &batch_of_one(image))?;
    Ok(Found {
        covers: 1,
        work: Box::new(PreparedPool2d::new(pooling, g)),
        then: Vec::new(),
    })
}

impl Work for PreparedPool2d {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], _cut: Cut) -> Result<()> {
        PreparedPool2d::run(self, n, x, y);
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        self.visits()
    }

    fn is_cut(&self, _n: usize) -> bool {
        false
    }
}
