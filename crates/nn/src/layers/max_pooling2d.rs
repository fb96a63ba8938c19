//! Max pooling of images.

use super::{Maxima, Row, WindowPooling, boxed};
use crate::Pair;
use taper_tensor::Element;

/// The largest value of each window: `[height, width, channels]` → `[out height, out width, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::MaxPooling2D};
/// let layer = MaxPooling2D::new(2);
/// assert_eq!(layer.output_shape(&[24, 24, 64])?, [12, 12, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type MaxPooling2D = WindowPooling<Maxima, Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MaxPooling2D",
        about: "the largest value of each window of an image",
        file: file!(),
        from_config: |config| boxed::<E, MaxPooling2D>("MaxPooling2D", config),
        sample: MaxPooling2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: MaxPooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(MaxPooling2D::new(0), &[4, 4, 1]).contains("pool_size is [0, 0]"));
        assert!(message(MaxPooling2D::new(2), &[4, 4]).contains("[4, 4]"));
        assert!(message(MaxPooling2D::new(5), &[4, 4, 1]).starts_with("MaxPooling2D: "));
    }
}
