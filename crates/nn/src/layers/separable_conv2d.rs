//! Separable convolution of images.

use super::{Row, SeparableConvolution, boxed};
use crate::Pair;
use taper_tensor::Element;

/// Slides `depth_multiplier` kernels over every channel of an image by itself, then makes `filters` sums over the channels:
/// `[height, width, channels]` →
/// `[out height, out width, filters]`.
///
/// Weights: `depthwise_kernel [kh, kw, channels, depth_multiplier]`, `pointwise_kernel [1, 1, channels · depth_multiplier, filters]` and
/// `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, layers::SeparableConv2D};
/// let layer = SeparableConv2D::new(32, 3);
/// assert_eq!(layer.output_shape(&[28, 28, 8])?, [26, 26, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type SeparableConv2D = SeparableConvolution<Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SeparableConv2D",
        about: "a depthwise convolution of an image, then sums over the channels",
        file: file!(),
        from_config: |config| boxed::<E, SeparableConv2D>("SeparableConv2D", config),
        sample: SeparableConv2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: SeparableConv2D| layer.output_shape(&[28, 28, 8]).unwrap_err().to_string();
        assert!(message(SeparableConv2D::new(0, 3)).contains("filters is 0"));
        assert!(message(SeparableConv2D::new(4, 0)).contains("kernel_size"));
    }
}
