//! Any recurrent cell through time, with states that come in or go out.

use super::{Row, Sample};
use crate::layers::RNN;
use taper_tensor::Element;

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RNN",
        about: "any recurrent cell, step by step",
        file: file!(),
        from_config: |config| Ok(Box::new(RNN::<E>::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = RNN::<E>::sample(sampler);
            let layer = layer.return_state(sampler.coin());
            let mut inputs = vec![input.to_vec()];
            if sampler.coin() {
                inputs.extend(layer.state_sizes().into_iter().map(|size| vec![size]));
            }
            Sample {
                junction: Box::new(layer),
                inputs,
            }
        },
    }
}
