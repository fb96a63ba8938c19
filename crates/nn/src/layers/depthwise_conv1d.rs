//! Depthwise convolution of sequences.

use super::{DepthwiseConvolution, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// Slides `depth_multiplier` kernels over every channel of a sequence by itself: `[steps, channels]` → `[out steps, channels · depth_multiplier]`.
///
/// Weights: `kernel [length, channels, depth_multiplier]` and `bias [channels · depth_multiplier]`.
///
/// ```
/// use taper_nn::{Describe, layers::DepthwiseConv1D};
/// let layer = DepthwiseConv1D::new(3).depth_multiplier(2);
/// assert_eq!(layer.output_shape(&[10, 8])?, [8, 16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type DepthwiseConv1D = DepthwiseConvolution<Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "DepthwiseConv1D",
        about: "slides kernels of its own over every channel of a sequence",
        file: file!(),
        from_config: |config| boxed::<E, DepthwiseConv1D>("DepthwiseConv1D", config),
        sample: DepthwiseConv1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Describe, Padding};

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: DepthwiseConv1D| layer.output_shape(&[10, 8]).unwrap_err().to_string();
        assert!(
            message(DepthwiseConv1D::new(3).depth_multiplier(0)).contains("depth_multiplier is 0")
        );
        assert!(message(DepthwiseConv1D::new(3).padding(Padding::Causal)).contains("causal"));
        assert!(message(DepthwiseConv1D::new(30)).contains("kernel_size"));
    }
}
