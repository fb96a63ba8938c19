//! From images to rows of numbers.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Lays all axes but the batch out in one: `[12, 12, 64]` → `[9216]`. Used as a value, `Flatten` is the layer
/// itself: `.add(Flatten)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The layer, so that `.add(Flatten)` reads as it should.
#[allow(non_upper_case_globals)]
pub const Flatten: Flatten = Flatten { name: None };

impl Flatten {
    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Flatten {
    fn class_name(&self) -> &'static str {
        "Flatten"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let count = config::elements(input);
        Ok(vec![count.ok_or_else(|| {
            Error::layer("Flatten", format!("the input {input:?} is too large"))
        })?])
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Flatten {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let [batch, sample @ ..] = x.shape() else {
            return Err(Error::layer(
                "Flatten",
                "an input with a batch axis is wanted, this one is a single number",
            ));
        };
        Ok(x.reshape([*batch, sample.iter().product()])?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Flatten",
        about: "lays all axes but the batch out in one",
        file: file!(),
        from_config: |config| boxed::<E, Flatten>("Flatten", config),
        sample: |sampler| Sample::new(Flatten, sampler.shape(0, 3, 4)),
    }
}
