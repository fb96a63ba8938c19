//! Relu with a slope below 0, too.

use super::{Row, Sample, boxed};
use crate::{
    ActivationKind, AtInference, Context, Describe, Error, Layer, Result, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// x where x > 0, `negative_slope` · x elsewhere (Maas, Hannun, Ng 2013), element by element. Any shape.
///
/// The slope of this layer is 0.3 by default, that of the activation function [`LeakyRelu`](crate::activations::LeakyRelu) is
/// 0.2: so it is in Keras.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::LeakyReLU};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(LeakyReLU::new(0.5)).build(Seed(7))?;
/// let x = Tensor::from_vec([1, 2], vec![-3.0, 4.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [-1.5, 4.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakyReLU {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The slope where x is not above 0, 0 or more (default: 0.3).
    #[serde(default = "slope")]
    pub negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        Self::new(slope())
    }
}

fn slope() -> f64 {
    0.3
}

impl LeakyReLU {
    /// Relu with this slope below 0.
    pub fn new(negative_slope: f64) -> Self {
        LeakyReLU {
            name: None,
            negative_slope,
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for LeakyReLU {
    fn class_name(&self) -> &'static str {
        "LeakyReLU"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::not_negative_in::<f32>("negative_slope", self.negative_slope)
            .map_err(|fault| Error::layer("LeakyReLU", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        match self.negative_slope {
            0.0 => AtInference::Activation(ActivationKind::Relu),
            0.2 => AtInference::Activation(ActivationKind::LeakyRelu),
            _ => AtInference::Forward,
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for LeakyReLU {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let negative = E::from_f64(self.negative_slope);
        let value = move |x: E| if x > E::zero() { x } else { x * negative };
        let slope = move |x: E| if x > E::zero() { E::one() } else { negative };
        Ok(x.map("leaky_relu", value, slope))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "LeakyReLU",
        about: "x where x > 0, negative_slope · x elsewhere",
        file: file!(),
        from_config: |config| boxed::<E, LeakyReLU>("LeakyReLU", config),
        sample: |sampler| {
            let layer = LeakyReLU::new(sampler.number(0.0, 0.9));
            Sample::new(layer, sampler.shape(1, 3, 4))
        },
    }
}
