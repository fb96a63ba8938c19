//! Average pooling of images to a given size.

use super::{AdaptivePooling, Averages, Row, boxed};
use crate::Pair;
use taper_tensor::Element;

/// The average of each of as many windows as the output is to have: `[height, width, channels]` →
/// `[out height, out width, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::AdaptiveAveragePooling2D};
/// let layer = AdaptiveAveragePooling2D::new([3, 2]);
/// assert_eq!(layer.output_shape(&[7, 9, 64])?, [3, 2, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type AdaptiveAveragePooling2D = AdaptivePooling<Averages, Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AdaptiveAveragePooling2D",
        about: "the average of each of as many windows of an image as wanted",
        file: file!(),
        from_config: |config| {
            boxed::<E, AdaptiveAveragePooling2D>("AdaptiveAveragePooling2D", config)
        },
        sample: AdaptiveAveragePooling2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AdaptiveAveragePooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AdaptiveAveragePooling2D::new(0), &[4, 4, 1]).contains("output_size is 0"));
        assert!(message(AdaptiveAveragePooling2D::new(2), &[4]).contains("[4]"));
        assert!(message(AdaptiveAveragePooling2D::new(1000), &[4, 4, 1]).contains("output_size"));
    }
}
