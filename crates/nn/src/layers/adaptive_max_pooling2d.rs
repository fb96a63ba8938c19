//! Max pooling of images to a given size.

use super::{AdaptivePooling, Maxima, Row, boxed};
use crate::Pair;
use taper_tensor::Element;

/// The largest value of each of as many windows as the output is to have: `[height, width, channels]` →
/// `[out height, out width, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::AdaptiveMaxPooling2D};
/// let layer = AdaptiveMaxPooling2D::new([3, 2]);
/// assert_eq!(layer.output_shape(&[7, 9, 64])?, [3, 2, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type AdaptiveMaxPooling2D = AdaptivePooling<Maxima, Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AdaptiveMaxPooling2D",
        about: "the largest value of each of as many windows of an image as wanted",
        file: file!(),
        from_config: |config| boxed::<E, AdaptiveMaxPooling2D>("AdaptiveMaxPooling2D", config),
        sample: AdaptiveMaxPooling2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AdaptiveMaxPooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AdaptiveMaxPooling2D::new(0), &[4, 4, 1]).contains("output_size is 0"));
        assert!(message(AdaptiveMaxPooling2D::new(2), &[4]).contains("[4]"));
        assert!(message(AdaptiveMaxPooling2D::new(1000), &[4, 4, 1]).contains("output_size"));
    }
}
