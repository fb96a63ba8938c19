//! Dropout of whole channels of images.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// In training each channel of images becomes 0 with probability `rate`, all of it, the others are divided by 1 − rate;
/// in inference nothing happens (Tompson et al. 2015). `[height, width, channels]`.
///
/// Which channels become 0 is a function of the seed, the layer's place in the model, the training step and the channel's
/// position. Keras's `seed` is none of its settings: the seed is the run's.
///
/// ```
/// use taper_nn::{Describe, layers::SpatialDropout2D};
/// assert_eq!(SpatialDropout2D::new(0.5).output_shape(&[8, 8, 4])?, [8, 8, 4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Probability of becoming 0, in [0, 1) (no default).
    pub rate: f64,
}

impl SpatialDropout2D {
    /// Dropout of channels with probability `rate`.
    pub fn new(rate: f64) -> Self {
        SpatialDropout2D { name: None, rate }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for SpatialDropout2D {
    fn class_name(&self) -> &'static str {
        "SpatialDropout2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        crate::setting::below_one("rate", self.rate)
            .map_err(|fault| Error::layer("SpatialDropout2D", fault))?;
        settings::padded_shape("SpatialDropout2D", &[[0, 0]; 2], input)
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for SpatialDropout2D {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        settings::drop_channels(x, context.dropout(self.rate))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SpatialDropout2D",
        about: "in training, sets channels of images to 0 with probability `rate` and divides the others by 1 − rate",
        file: file!(),
        from_config: |config| boxed::<E, SpatialDropout2D>("SpatialDropout2D", config),
        sample: |sampler| {
            let layer = SpatialDropout2D::new(sampler.number(0.0, 0.9));
            Sample::new(layer, [(); 3].map(|()| sampler.integer(1, 4)))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::{Seed, Tensor};

    #[test]
    fn channels_drop_whole_and_keep_the_mean() {
        let x = Tensor::<f64>::ones([40, 3, 1, 50]);
        let run = |mut context: Context<f64>| {
            let x = Tape::new().constant(&x);
            let layer = SpatialDropout2D::new(0.25);
            layer
                .forward(&x, &[], &mut context)
                .unwrap()
                .value()
                .clone()
        };
        assert!(run(Context::inference()).to_vec().iter().all(|&y| y == 1.0));
        let y = run(Context::training(Seed(1), 3));
        let first = y.slice(1, 0..1).unwrap().broadcast_to(y.shape()).unwrap();
        assert_eq!(
            y.max_abs_difference(&first).unwrap(),
            0.0,
            "a channel is whole"
        );
        let mean = y.mean().item().unwrap();
        assert!((mean - 1.0).abs() <= 0.05, "{mean}");
        assert_eq!(y.to_vec(), run(Context::training(Seed(1), 3)).to_vec());
        assert_ne!(y.to_vec(), run(Context::training(Seed(1), 4)).to_vec());
    }
}
