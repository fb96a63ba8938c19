//! The plain recurrent layer. What it does stands in `recurrent/`.

use super::{Row, Sample};
use crate::recurrent::{Kind, Recurrent, SimpleRnn};
use taper_tensor::Element;

/// The plain recurrent layer (Elman 1990): `h = tanh(x·K + b + h₋₁·R)`. `[steps, features]` → `[units]`, or `[steps, units]`
/// with `return_sequences`.
///
/// Weights: `simple_rnn_cell/kernel [features, units]`, `simple_rnn_cell/recurrent_kernel [units, units]`,
/// `simple_rnn_cell/bias [units]`.
///
/// ```
/// use taper_nn::{Describe, layers::SimpleRNN};
/// let layer = SimpleRNN::new(128).return_sequences(true);
/// assert_eq!(layer.output_shape(&[28, 28])?, [28, 128]);
/// assert_eq!(layer.weights(&[28, 28])?[1].shape, [128, 128]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type SimpleRNN = Recurrent<SimpleRnn>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: SimpleRnn::NAMES[0],
        about: SimpleRnn::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(SimpleRNN::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = SimpleRNN::sample(sampler);
            Sample::new(layer, input)
        },
    }
}
