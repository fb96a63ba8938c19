//! Relu with an upper end, a slope and a threshold.

use super::{Activation, Row, Sample, boxed};
use crate::{
    ActivationKind, AtInference, Context, Describe, Error, Layer, Result, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

/// x where x > `threshold`, but at most `max_value`; `negative_slope` · (x − `threshold`) elsewhere. Element by element, any
/// shape. By default it is max(x, 0).
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::ReLU};
/// use taper_tensor::Tensor;
/// let layer = ReLU::new().max_value(6.0).negative_slope(0.5).threshold(1.0);
/// let model = Sequential::new([3]).add(layer).build(Seed(7))?;
/// let x = Tensor::from_vec([1, 3], vec![-1.0, 2.0, 7.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [-1.0, 2.0, 6.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReLU {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The most that comes out, 0 or more (default: no end).
    #[serde(default)]
    pub max_value: Option<f64>,
    /// The slope up to the threshold, 0 or more (default: 0).
    #[serde(default)]
    pub negative_slope: f64,
    /// What x must be above to pass, 0 or more (default: 0).
    #[serde(default)]
    pub threshold: f64,
}

impl ReLU {
    /// max(x, 0).
    pub fn new() -> Self {
        ReLU::default()
    }

    /// The most that comes out (default: no end).
    pub fn max_value(mut self, max_value: f64) -> Self {
        self.max_value = Some(max_value);
        self
    }

    /// The slope up to the threshold (default: 0).
    pub fn negative_slope(mut self, negative_slope: f64) -> Self {
        self.negative_slope = negative_slope;
        self
    }

    /// What x must be above to pass (default: 0).
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The activation function, where it is one of those that have a name.
    fn plain(&self) -> Option<ActivationKind> {
        match (self.max_value, self.negative_slope, self.threshold) {
            (None, 0.0, 0.0) => Some(ActivationKind::Relu),
            (Some(6.0), 0.0, 0.0) => Some(ActivationKind::Relu6),
            (None, 0.2, 0.0) => Some(ActivationKind::LeakyRelu),
            _ => None,
        }
    }
}

impl Describe for ReLU {
    fn class_name(&self) -> &'static str {
        "ReLU"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let most = self.max_value.unwrap_or(0.0);
        setting::not_negative_in::<f32>("max_value", most)
            .and_then(|()| setting::not_negative_in::<f32>("negative_slope", self.negative_slope))
            .and_then(|()| setting::not_negative_in::<f32>("threshold", self.threshold))
            .map_err(|fault| Error::layer("ReLU", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        let forward = AtInference::Forward;
        self.plain().map_or(forward, AtInference::Activation)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for ReLU {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        if let Some(activation) = self.plain() {
            return activation.apply(x);
        }
        let most = self.max_value.map_or(E::infinity(), E::from_f64);
        let (negative, threshold) = (
            E::from_f64(self.negative_slope),
            E::from_f64(self.threshold),
        );
        let value = move |x: E| {
            if x > threshold {
                if x > most { most } else { x }
            } else {
                negative * (x - threshold)
            }
        };
        let slope = move |x: E| {
            if x > threshold {
                if x > most { E::zero() } else { E::one() }
            } else {
                negative
            }
        };
        Ok(x.map("relu", value, slope))
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        let name = self.name.clone();
        let linear = Activation {
            name,
            activation: ActivationKind::Linear,
        };
        Some((self.plain()?, Box::new(linear)))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "ReLU",
        about: "x above a threshold, up to an upper end; a slope below",
        file: file!(),
        from_config: |config| boxed::<E, ReLU>("ReLU", config),
        sample: |sampler| {
            // Where it bends, no value of the checks is.
            let mut place = || sampler.integer(0, 9) as f64 * Sampler::SPACING;
            let (threshold, most) = (place(), place());
            let mut layer = ReLU::new();
            if sampler.coin() {
                layer = layer.threshold(threshold);
            }
            if sampler.coin() {
                layer = layer.max_value(most);
            }
            if sampler.coin() {
                layer = layer.negative_slope(sampler.number(0.1, 0.9));
            }
            Sample::new(layer, sampler.shape(1, 3, 4))
        },
    }
}
