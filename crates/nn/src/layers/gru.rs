//! The layer of gated recurrent units. What it does stands in `recurrent/`.

use super::{Row, Sample};
use crate::recurrent::{Gru, Kind, Recurrent};
use taper_tensor::Element;

/// Gated recurrent units (Cho et al. 2014): `h = z·h₋₁ + (1 − z)·tanh(x·K + b + r·(h₋₁·R + b′))`, with gates z, r that are
/// sigmoids of their own sums of input and state. `[steps, features]` → `[units]`, or `[steps, units]` with
/// `return_sequences`.
///
/// Weights: `gru_cell/kernel [features, 3 · units]`, `gru_cell/recurrent_kernel [units, 3 · units]`, `gru_cell/bias
/// [2, 3 · units]` (with `reset_after(false)` `[3 · units]`), gates in Keras's order z, r, h. With tanh, sigmoid and
/// `reset_after` (the defaults) and no `recurrent_dropout` the whole sequence is one operation; otherwise every step is.
///
/// ```
/// use taper_nn::{Describe, layers::GRU};
/// let layer = GRU::new(128).return_sequences(true);
/// assert_eq!(layer.output_shape(&[28, 28])?, [28, 128]);
/// assert_eq!(layer.weights(&[28, 28])?[1].shape, [128, 384]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub type GRU = Recurrent<Gru>;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: Gru::NAMES[0],
        about: Gru::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(GRU::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = GRU::sample(sampler);
            Sample::new(layer, input)
        },
    }
}
