//! Max pooling of sequences to a given size.

use super::{AdaptivePooling, Maxima, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// The largest value of each of as many windows as the output is to have: `[steps, channels]` →
/// `[output_size, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::AdaptiveMaxPooling1D};
/// let layer = AdaptiveMaxPooling1D::new(3);
/// assert_eq!(layer.output_shape(&[7, 64])?, [3, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type AdaptiveMaxPooling1D = AdaptivePooling<Maxima, Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AdaptiveMaxPooling1D",
        about: "the largest value of each of as many windows of a sequence as wanted",
        file: file!(),
        from_config: |config| boxed::<E, AdaptiveMaxPooling1D>("AdaptiveMaxPooling1D", config),
        sample: AdaptiveMaxPooling1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AdaptiveMaxPooling1D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AdaptiveMaxPooling1D::new(0), &[4, 1]).contains("output_size is 0"));
        assert!(message(AdaptiveMaxPooling1D::new(2), &[4]).contains("[4]"));
        assert!(message(AdaptiveMaxPooling1D::new(1000), &[4, 1]).contains("output_size"));
    }
}
