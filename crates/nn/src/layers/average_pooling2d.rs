//! Average pooling of images.

use super::{Averages, Row, WindowPooling, boxed};
use crate::Pair;
use taper_tensor::Element;

/// The average of each window: `[height, width, channels]` → `[out height, out width, channels]`. Over the
/// edges of the image (`same`) there is nothing to count.
///
/// ```
/// use taper_nn::{Describe, layers::AveragePooling2D};
/// let layer = AveragePooling2D::new(2);
/// assert_eq!(layer.output_shape(&[24, 24, 64])?, [12, 12, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type AveragePooling2D = WindowPooling<Averages, Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AveragePooling2D",
        about: "the average of each window of an image",
        file: file!(),
        from_config: |config| boxed::<E, AveragePooling2D>("AveragePooling2D", config),
        sample: AveragePooling2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AveragePooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AveragePooling2D::new(0), &[4, 4, 1]).contains("pool_size is [0, 0]"));
        assert!(message(AveragePooling2D::new(2), &[4, 4]).contains("[4, 4]"));
        assert!(message(AveragePooling2D::new(5), &[4, 4, 1]).starts_with("AveragePooling2D: "));
    }
}
