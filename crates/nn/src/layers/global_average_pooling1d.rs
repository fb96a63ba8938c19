//! The average of every channel over the whole sequence.

use super::{Averages, GlobalPooling, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// The average of every channel: `[steps, channels]` → `[channels]`, or `[1, channels]` with `keepdims`.
///
/// ```
/// use taper_nn::{Describe, layers::GlobalAveragePooling1D};
/// let layer = GlobalAveragePooling1D::new();
/// assert_eq!(layer.output_shape(&[7, 64])?, [64]);
/// assert_eq!(layer.keepdims(true).output_shape(&[7, 64])?, [1, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type GlobalAveragePooling1D = GlobalPooling<Averages, Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "GlobalAveragePooling1D",
        about: "the average of every channel over the whole sequence",
        file: file!(),
        from_config: |config| boxed::<E, GlobalAveragePooling1D>("GlobalAveragePooling1D", config),
        sample: GlobalAveragePooling1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn what_is_no_sequence_is_refused() {
        let refused = |input: &[usize]| {
            let error = GlobalAveragePooling1D::new().output_shape(input);
            error.unwrap_err().to_string()
        };
        assert!(refused(&[4, 4, 4]).contains("[4, 4, 4]"));
        assert!(refused(&[0, 1]).starts_with("GlobalAveragePooling1D: "));
    }
}
