//! Average pooling, of windows and of whole images.

use super::Row;
use super::max_pooling::pooled;
use crate::Padding;
use crate::layers::{AveragePooling2D, GlobalAveragePooling2D};
use taper_tensor::Pool2dSpec;
use taper_tensor::prepared::Pooling;

pub(super) fn row() -> Row {
    Row {
        name: "average_pooling",
        about: "AveragePooling2D, GlobalAveragePooling2D",
        file: file!(),
        find: |_, ahead| {
            let item = &ahead[0];
            if let Some(layer) = item.downcast::<AveragePooling2D>() {
                pooled(Pooling::Average, &layer.spec(), item.input).map(Some)
            } else if let (Some(_), &[height, width, _]) =
                (item.downcast::<GlobalAveragePooling2D>(), item.input)
            {
                let whole = Pool2dSpec {
                    size: [height, width],
                    strides: [1, 1],
                    padding: Padding::Valid,
                };
                pooled(Pooling::Average, &whole, item.input).map(Some)
            } else {
                Ok(None)
            }
        },
    }
}
