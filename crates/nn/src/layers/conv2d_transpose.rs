//! Transposed convolution of images.

use super::{Row, TransposedConvolution, boxed};
use crate::Pair;
use taper_tensor::Element;

/// Spreads every value of an image over a window, weighted by `filters` kernels: `[height, width, channels]` →
/// `[out height, out width, filters]`.
///
/// Weights: `kernel [kh, kw, filters, channels]` and `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, Padding, layers::Conv2DTranspose};
/// let layer = Conv2DTranspose::new(4, 3).strides(2).padding(Padding::Same);
/// assert_eq!(layer.output_shape(&[7, 7, 8])?, [14, 14, 4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type Conv2DTranspose = TransposedConvolution<Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Conv2DTranspose",
        about: "spreads the values of an image over windows: a convolution backwards",
        file: file!(),
        from_config: |config| boxed::<E, Conv2DTranspose>("Conv2DTranspose", config),
        sample: Conv2DTranspose::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Describe, Padding};

    #[test]
    fn lengths_are_those_of_keras() {
        let length = |layer: Conv2DTranspose| layer.output_shape(&[7, 7, 8]).unwrap()[0];
        let input = [7, 7, 8][0];
        assert_eq!(length(Conv2DTranspose::new(4, 3)), input + 2);
        assert_eq!(
            length(Conv2DTranspose::new(4, 2).strides(3)),
            (input - 1) * 3 + 3
        );
        assert_eq!(
            length(Conv2DTranspose::new(4, 3).strides(3).output_padding(1)),
            (input - 1) * 3 + 4
        );
        let same = Conv2DTranspose::new(4, 3).strides(3).padding(Padding::Same);
        assert_eq!(length(same.clone()), input * 3);
        assert_eq!(length(same.output_padding(0)), (input - 1) * 3 + 1);
        assert_eq!(
            length(Conv2DTranspose::new(4, 3).dilation_rate(2)),
            input + 4
        );
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: Conv2DTranspose| layer.output_shape(&[7, 7, 8]).unwrap_err().to_string();
        assert!(
            message(Conv2DTranspose::new(4, 3).output_padding(1)).contains("output_padding is 1")
        );
        let even = Conv2DTranspose::new(4, 2).strides(2).padding(Padding::Same);
        assert!(message(even.output_padding(0)).contains("even"));
        assert!(message(Conv2DTranspose::new(4, 3).strides(usize::MAX)).contains("too long"));
    }
}
