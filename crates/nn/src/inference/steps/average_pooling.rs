//! Average pooling: of windows, of everything, to a given size.

use super::Row;
use super::max_pooling::pooled;
use crate::layers::Averages;

pub(super) fn row() -> Row {
    Row {
        name: "average_pooling",
        about: "AveragePooling, GlobalAveragePooling and, where its windows lie side by side, AdaptiveAveragePooling, 1D and 2D",
        file: file!(),
        find: |_, ahead| pooled::<Averages>(&ahead[0]),
    }
}
