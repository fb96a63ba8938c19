//! The layer of gated recurrent units with states that come in or go out.

use super::{Row, Sample};
use crate::layers::GRU;
use crate::recurrent::{Gru, Kind};
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: Gru::NAMES[0],
        about: Gru::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(GRU::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = GRU::sample(sampler);
            let layer = layer.return_state(sampler.coin());
            let mut inputs = vec![input.to_vec()];
            if sampler.coin() {
                let units = layer.cell().settings.units;
                inputs.extend((0..Gru::STATES).map(|_| vec![units]));
            }
            Sample {
                junction: Box::new(layer),
                inputs,
            }
        },
    }
}
