//! Convolution of images.

use super::{Convolution, Row, boxed};
use crate::Pair;
use taper_tensor::Element;

/// Slides `filters` kernels over an image: `[height, width, channels]` → `[out height, out width, filters]`.
///
/// Weights: `kernel [kh, kw, channels / groups, filters]` and `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, Padding, Relu, layers::Conv2D};
/// let layer = Conv2D::new(32, 3).activation(Relu).padding(Padding::Same);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type Conv2D = Convolution<Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Conv2D",
        about: "slides kernels over an image: activation(x ∗ kernel + bias)",
        file: file!(),
        from_config: |config| boxed::<E, Conv2D>("Conv2D", config),
        sample: Conv2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Describe, Padding, Result};

    fn output(layer: &Conv2D, input: &[usize]) -> Result<Vec<usize>> {
        layer.output_shape(input)
    }

    #[test]
    fn shapes_are_those_of_keras() {
        assert_eq!(
            output(&Conv2D::new(32, 3), &[28, 28, 1]).unwrap(),
            [26, 26, 32]
        );
        assert_eq!(
            output(&Conv2D::new(4, [3, 5]).strides(2), &[28, 28, 1]).unwrap(),
            [13, 12, 4]
        );
        assert_eq!(
            output(
                &Conv2D::new(4, 3).padding(Padding::Same).strides(2),
                &[7, 8, 2]
            )
            .unwrap(),
            [4, 4, 4]
        );
        assert_eq!(
            output(&Conv2D::new(4, 3).dilation_rate(3), &[10, 10, 2]).unwrap(),
            [4, 4, 4]
        );
        let weights = Conv2D::new(6, 3).groups(2).weights(&[28, 28, 4]).unwrap();
        assert_eq!(weights[0].shape, [3, 3, 2, 6]);
        assert_eq!(weights[1].shape, [6]);
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: Conv2D, input: &[usize]| output(&layer, input).unwrap_err().to_string();
        assert!(message(Conv2D::new(32, 3), &[784]).contains("[784]"));
        assert!(message(Conv2D::new(32, 0), &[28, 28, 1]).contains("kernel_size is [0, 0]"));
        assert!(message(Conv2D::new(32, 3).strides(0), &[28, 28, 1]).contains("strides"));
        assert!(message(Conv2D::new(0, 3), &[28, 28, 1]).contains("filters is 0"));
        assert!(message(Conv2D::new(3, 3).groups(2), &[28, 28, 2]).contains("2 groups"));
        assert!(message(Conv2D::new(3, 30), &[28, 28, 1]).contains("28"));
    }
}
