//! Depthwise convolution of images.

use super::{DepthwiseConvolution, Row, boxed};
use crate::Pair;
use taper_tensor::Element;

/// Slides `depth_multiplier` kernels over every channel of an image by itself: `[height, width, channels]` →
/// `[out height, out width, channels · depth_multiplier]`.
///
/// Weights: `kernel [kh, kw, channels, depth_multiplier]` and `bias [channels · depth_multiplier]`.
///
/// ```
/// use taper_nn::{Describe, layers::DepthwiseConv2D};
/// let layer = DepthwiseConv2D::new(3).depth_multiplier(2);
/// assert_eq!(layer.output_shape(&[28, 28, 8])?, [26, 26, 16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type DepthwiseConv2D = DepthwiseConvolution<Pair>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "DepthwiseConv2D",
        about: "slides kernels of its own over every channel of an image",
        file: file!(),
        from_config: |config| boxed::<E, DepthwiseConv2D>("DepthwiseConv2D", config),
        sample: DepthwiseConv2D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Describe, Padding};

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: DepthwiseConv2D| layer.output_shape(&[28, 28, 8]).unwrap_err().to_string();
        assert!(
            message(DepthwiseConv2D::new(3).depth_multiplier(0)).contains("depth_multiplier is 0")
        );
        assert!(message(DepthwiseConv2D::new(3).padding(Padding::Causal)).contains("causal"));
        assert!(message(DepthwiseConv2D::new(30)).contains("kernel_size"));
    }
}
