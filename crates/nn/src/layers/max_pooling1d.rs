//! Max pooling of sequences.

use super::{Maxima, Row, WindowPooling, boxed};
use crate::Single;
use taper_tensor::Element;

/// The largest value of each window: `[steps, channels]` → `[out steps, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::MaxPooling1D};
/// let layer = MaxPooling1D::new(2);
/// assert_eq!(layer.output_shape(&[24, 64])?, [12, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type MaxPooling1D = WindowPooling<Maxima, Single>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MaxPooling1D",
        about: "the largest value of each window of a sequence",
        file: file!(),
        from_config: |config| boxed::<E, MaxPooling1D>("MaxPooling1D", config),
        sample: MaxPooling1D::drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Layer, Padding};
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn one_value_of_each_window() {
        let x = Tensor::<f32>::from_vec([1, 5, 1], vec![1.0, 3.0, 2.0, -1.0, 7.0]).unwrap();
        let run = |layer: MaxPooling1D| {
            let y = layer
                .forward(&Tape::new().constant(&x), &[], &mut Context::inference())
                .unwrap();
            (y.shape().to_vec(), y.value().to_vec())
        };
        assert_eq!(run(MaxPooling1D::new(2)), (vec![1, 2, 1], vec![3.0, 2.0]));
        assert_eq!(
            run(MaxPooling1D::new(2).padding(Padding::Same)),
            (vec![1, 3, 1], vec![3.0, 2.0, 7.0])
        );
        assert_eq!(
            run(MaxPooling1D::new(3).strides(1)),
            (vec![1, 3, 1], vec![3.0, 3.0, 7.0])
        );
    }
}
