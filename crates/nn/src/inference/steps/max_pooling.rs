//! Max pooling that no convolution has taken in, and what all poolings share.

use super::{Cut, Found, Item, Row, Work, batch_of_one};
use crate::layers::{AdaptivePooling, GlobalPooling, Kept, Maxima, Sides, WindowPooling};
use crate::{Padding, Pair, Result, Single};
use taper_tensor::Pool2dSpec;
use taper_tensor::kernels::PoolGeometry;
use taper_tensor::prepared::{Pooling, PreparedPool2d};

pub(super) fn row() -> Row {
    Row {
        name: "max_pooling",
        about: "MaxPooling, GlobalMaxPooling and, where its windows lie side by side, AdaptiveMaxPooling, 1D and 2D",
        file: file!(),
        find: |_, ahead| pooled::<Maxima>(&ahead[0]),
    }
}

/// The step for a pooling that keeps this of its windows.
pub(super) fn pooled<K: Kept>(item: &Item<'_>) -> Result<Option<Found>> {
    let windows = windows::<K, Pair>(item).or_else(|| windows::<K, Single>(item));
    let Some((image, spec)) = windows else {
        return Ok(None);
    };
    let operation = match K::POOLING {
        Pooling::Max => "max_pool2d",
        Pooling::Average => "average_pool2d",
    };
    let g = PoolGeometry::new(operation, &spec, &batch_of_one(&image))?;
    Ok(Some(Found {
        covers: 1,
        work: Box::new(PreparedPool2d::new(K::POOLING, g)),
        then: Vec::new(),
    }))
}

/// The image that a pooling of such sides sees, and its windows.
fn windows<K: Kept, S: Sides>(item: &Item<'_>) -> Option<([usize; 3], Pool2dSpec)> {
    let image = S::image(item.input)?;
    let spec = if let Some(layer) = item.downcast::<WindowPooling<K, S>>() {
        layer.spec()
    } else if let Some(layer) = item.downcast::<AdaptivePooling<K, S>>() {
        layer.spec(image)?
    } else {
        item.downcast::<GlobalPooling<K, S>>()?;
        Pool2dSpec {
            size: [image[0], image[1]],
            strides: [1, 1],
            padding: Padding::Valid,
        }
    };
    Some((image, spec))
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
