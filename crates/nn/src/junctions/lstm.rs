//! The layer with a long short-term memory with states that come in or go out.

use super::{Row, Sample};
use crate::layers::LSTM;
use crate::recurrent::{Kind, Lstm};
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: Lstm::NAMES[0],
        about: Lstm::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(LSTM::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = LSTM::sample(sampler);
            let layer = layer.return_state(sampler.coin());
            let mut inputs = vec![input.to_vec()];
            if sampler.coin() {
                let units = layer.cell().settings.units;
                inputs.extend((0..Lstm::STATES).map(|_| vec![units]));
            }
            Sample {
                junction: Box::new(layer),
                inputs,
            }
        },
    }
}
