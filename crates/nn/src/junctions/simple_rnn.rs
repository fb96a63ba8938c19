//! The plain recurrent layer with states that come in or go out.

use super::{Row, Sample};
use crate::layers::SimpleRNN;
use crate::recurrent::{Kind, SimpleRnn};
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: SimpleRnn::NAMES[0],
        about: SimpleRnn::ABOUT,
        file: file!(),
        from_config: |config| Ok(Box::new(SimpleRNN::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = SimpleRNN::sample(sampler);
            let layer = layer.return_state(sampler.coin());
            let mut inputs = vec![input.to_vec()];
            if sampler.coin() {
                let units = layer.cell().settings.units;
                inputs.extend((0..SimpleRnn::STATES).map(|_| vec![units]));
            }
            Sample {
                junction: Box::new(layer),
                inputs,
            }
        },
    }
}
