//! The largest value of every channel over the whole image.

use super::{GlobalPooling, Maxima, Row, boxed};
use crate::Pair;
use taper_tensor::Element;

/// The largest value of every channel: `[height, width, channels]` → `[channels]`, or `[1, 1, channels]` with `keepdims`.
///
/// ```
/// use taper_nn::{Describe, layers::GlobalMaxPooling2D};
/// let layer = GlobalMaxPooling2D::new();
/// assert_eq!(layer.output_shape(&[7, 7, 64])?, [64]);
/// assert_eq!(layer.keepdims(true).output_shape(&[7, 7, 64])?, [1, 1, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type GlobalMaxPooling2D = GlobalPooling<Maxima, Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GlobalMaxPooling2D",
        about: "the largest value of every channel over the whole image",
        file: file!(),
        from_config: |config| boxed::<E, GlobalMaxPooling2D>("GlobalMaxPooling2D", config),
        sample: GlobalMaxPooling2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn what_is_no_image_is_refused() {
        let refused = |input: &[usize]| {
            let error = GlobalMaxPooling2D::new().output_shape(input);
            error.unwrap_err().to_string()
        };
        assert!(refused(&[4, 4]).contains("[4, 4]"));
        assert!(refused(&[0, 4, 1]).starts_with("GlobalMaxPooling2D: "));
    }
}
