//! The layer with a long short-term memory. What it does stands in `recurrent/`.

use super::{Row, Sample};
use crate::recurrent::{Kind, Lstm, Recurrent};
use taper_tensor::Element;

/// A long short-term memory (Hochreiter and Schmidhuber 1997): `c = f·c₋₁ + i·tanh(…)`, `h = o·tanh c`, with gates i, f, o that are
/// sigmoids of their own sums of input and state. `[steps, features]` → `[units]`, or `[steps, units]` with
/// `return_sequences`.
///
/// Weights: `lstm_cell/kernel [features, 4 · units]`, `lstm_cell/recurrent_kernel [units, 4 · units]`, `lstm_cell/bias
/// [4 · units]`, gates in Keras's order i, f, c, o. With tanh and sigmoid (the defaults) and no `recurrent_dropout` the whole
/// sequence is one operation; otherwise every step is.
///
/// ```
/// use taper_nn::{Describe, layers::LSTM};
/// let layer = LSTM::new(128).return_sequences(true);
/// assert_eq!(layer.output_shape(&[28, 28])?, [28, 128]);
/// assert_eq!(layer.weights(&[28, 28])?[1].shape, [128, 512]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type LSTM = Recurrent<Lstm>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: Lstm::NAMES[0],
        about: Lstm::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(LSTM::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = LSTM::sample(sampler);
            Sample::new(layer, input)
        },
    }
}
