//! Nothing at all.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Passes on what comes in: a place with a name. Any shape.
///
/// ```
/// use taper_nn::{Describe, layers::Identity};
/// assert_eq!(Identity::new().output_shape(&[4, 5])?, [4, 5]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Identity {
    /// A layer that does nothing.
    pub fn new() -> Self {
        Identity::default()
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Identity {
    fn class_name(&self) -> &'static str {
        "Identity"
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
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Identity {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        Ok(x.clone())
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Identity",
        about: "x",
        file: file!(),
        from_config: |config| boxed::<E, Identity>("Identity", config),
        sample: |sampler| {
            let layer = Identity::new();
            let layer = if sampler.coin() {
                layer.name("named")
            } else {
                layer
            };
            Sample::new(layer, sampler.shape(1, 3, 4))
        },
    }
}
