//! Convolution of sequences.

use super::{Convolution, Row, boxed};
use crate::Single;
use taper_tensor::Element;

/// Slides `filters` kernels over a sequence: `[steps, channels]` → `[out steps, filters]`. With `causal` padding an output sees
/// nothing that comes after it.
///
/// Weights: `kernel [length, channels / groups, filters]` and `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, Padding, layers::Conv1D};
/// let layer = Conv1D::new(32, 3).padding(Padding::Causal).dilation_rate(4);
/// assert_eq!(layer.output_shape(&[100, 8])?, [100, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type Conv1D = Convolution<Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Conv1D",
        about: "slides kernels over a sequence: activation(x ∗ kernel + bias)",
        file: file!(),
        from_config: |config| boxed::<E, Conv1D>("Conv1D", config),
        sample: Conv1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Describe, Padding, Result};

    fn output(layer: &Conv1D, input: &[usize]) -> Result<Vec<usize>> {
        layer.output_shape(input)
    }

    #[test]
    fn shapes_are_those_of_keras() {
        assert_eq!(output(&Conv1D::new(4, 3), &[10, 2]).unwrap(), [8, 4]);
        let strided = Conv1D::new(4, 3).strides(3);
        for padding in [Padding::Same, Padding::Causal] {
            let layer = strided.clone().padding(padding);
            assert_eq!(output(&layer, &[10, 2]).unwrap(), [4, 4]);
        }
        let weights = Conv1D::new(6, 3).groups(2).weights(&[10, 4]).unwrap();
        assert_eq!(weights[0].shape, [3, 2, 6]);
        assert_eq!(weights[1].shape, [6]);
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: Conv1D, input: &[usize]| output(&layer, input).unwrap_err().to_string();
        assert!(message(Conv1D::new(32, 3), &[784]).contains("[784]"));
        assert!(message(Conv1D::new(32, 0), &[28, 1]).contains("kernel_size is [0]"));
        assert!(message(Conv1D::new(3, 30), &[28, 1]).contains("28"));
    }

    #[test]
    fn keras_writes_sizes_as_lists() {
        let config = serde_json::json!({"filters": 2, "kernel_size": [3], "strides": [2]});
        let layer = crate::layers::from_config::<f32>("Conv1D", &config).unwrap();
        let own = Conv1D::new(2, 3).strides(2);
        assert_eq!(layer.config(), own.config());
    }
}
