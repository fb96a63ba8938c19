//! The largest value of every channel over the whole sequence.

use super::{GlobalPooling, Maxima, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// The largest value of every channel: `[steps, channels]` → `[channels]`, or `[1, channels]` with `keepdims`.
///
/// ```
/// use taper_nn::{Describe, layers::GlobalMaxPooling1D};
/// let layer = GlobalMaxPooling1D::new();
/// assert_eq!(layer.output_shape(&[7, 64])?, [64]);
/// assert_eq!(layer.keepdims(true).output_shape(&[7, 64])?, [1, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type GlobalMaxPooling1D = GlobalPooling<Maxima, Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GlobalMaxPooling1D",
        about: "the largest value of every channel over the whole sequence",
        file: file!(),
        from_config: |config| boxed::<E, GlobalMaxPooling1D>("GlobalMaxPooling1D", config),
        sample: GlobalMaxPooling1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn what_is_no_sequence_is_refused() {
        let refused = |input: &[usize]| {
            let error = GlobalMaxPooling1D::new().output_shape(input);
            error.unwrap_err().to_string()
        };
        assert!(refused(&[4, 4, 4]).contains("[4, 4, 4]"));
        assert!(refused(&[0, 1]).starts_with("GlobalMaxPooling1D: "));
    }
}
