//! Separable convolution of sequences.

use super::{Row, SeparableConvolution, boxed};
use crate::Single;
use taper_tensor::Element;

/// Slides `depth_multiplier` kernels over every channel of a sequence by itself, then makes `filters` sums over the channels:
/// `[steps, channels]` → `[out steps, filters]`.
///
/// Weights: `depthwise_kernel [length, channels, depth_multiplier]`, `pointwise_kernel [1, channels · depth_multiplier, filters]` and
/// `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, layers::SeparableConv1D};
/// let layer = SeparableConv1D::new(32, 3);
/// assert_eq!(layer.output_shape(&[10, 8])?, [8, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type SeparableConv1D = SeparableConvolution<Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SeparableConv1D",
        about: "a depthwise convolution of a sequence, then sums over the channels",
        file: file!(),
        from_config: |config| boxed::<E, SeparableConv1D>("SeparableConv1D", config),
        sample: SeparableConv1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Describe;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: SeparableConv1D| layer.output_shape(&[10, 8]).unwrap_err().to_string();
        assert!(message(SeparableConv1D::new(0, 3)).contains("filters is 0"));
        assert!(message(SeparableConv1D::new(4, 0)).contains("kernel_size"));
    }
}
