//! Average pooling of sequences to a given size.

use super::{AdaptivePooling, Averages, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// The average of each of as many windows as the output is to have: `[steps, channels]` →
/// `[output_size, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::AdaptiveAveragePooling1D};
/// let layer = AdaptiveAveragePooling1D::new(3);
/// assert_eq!(layer.output_shape(&[7, 64])?, [3, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type AdaptiveAveragePooling1D = AdaptivePooling<Averages, Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AdaptiveAveragePooling1D",
        about: "the average of each of as many windows of a sequence as wanted",
        file: file!(),
        from_config: |config| {
            boxed::<E, AdaptiveAveragePooling1D>("AdaptiveAveragePooling1D", config)
        },
        sample: AdaptiveAveragePooling1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AdaptiveAveragePooling1D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AdaptiveAveragePooling1D::new(0), &[4, 1]).contains("output_size is 0"));
        assert!(message(AdaptiveAveragePooling1D::new(2), &[4]).contains("[4]"));
        assert!(message(AdaptiveAveragePooling1D::new(1000), &[4, 1]).contains("output_size"));
    }
}
