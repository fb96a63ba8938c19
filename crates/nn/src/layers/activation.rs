//! An activation function as a layer of its own.

use super::{Row, Sample, boxed};
use crate::{ActivationKind, AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Applies an activation function: `Activation::new(Relu)`. Any shape; softmax runs along the last axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The function (no default).
    pub activation: ActivationKind,
}

impl Activation {
    /// A layer that applies `activation`.
    pub fn new(activation: ActivationKind) -> Self {
        Activation {
            name: None,
            activation,
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Activation {
    fn class_name(&self) -> &'static str {
        "Activation"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        match self.activation {
            ActivationKind::Linear => AtInference::Nothing,
            activation => AtInference::Activation(activation),
        }
    }

    fn passes_mask(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Activation {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        self.activation.apply(x)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        let linear = Activation {
            activation: ActivationKind::Linear,
            ..self.clone()
        };
        (self.activation != ActivationKind::Linear)
            .then(|| (self.activation, Box::new(linear) as Box<dyn Layer<E>>))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Activation",
        about: "an activation function, element by element (softmax: along the last axis)",
        file: file!(),
        from_config: |config| boxed::<E, Activation>("Activation", config),
        sample: |sampler| {
            let activation = ActivationKind::drawn(sampler);
            Sample::new(Activation::new(activation), sampler.shape(1, 3, 4))
        },
    }
}
