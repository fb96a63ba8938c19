//! The input as a layer: it names the shape of a sample and lets it through.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Says what shape a sample has, without the batch axis. `Sequential::new(Input::new([28, 28, 1]))` and
/// `Sequential::new([28, 28, 1])` mean the same; as a layer it lets inputs of this shape through.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::{Dense, Input}};
/// let model = Sequential::new(Input::new([4])).add(Dense::new(3)).build(Seed(7))?;
/// assert_eq!(model.input_shape(), [4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The shape of a sample (no default).
    pub shape: Vec<usize>,
}

impl Input {
    /// Samples of this shape.
    pub fn new(shape: impl Into<Vec<usize>>) -> Self {
        Input {
            name: None,
            shape: shape.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl From<Input> for Vec<usize> {
    fn from(input: Input) -> Self {
        input.shape
    }
}

impl Describe for Input {
    fn class_name(&self) -> &'static str {
        "InputLayer"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input != self.shape {
            let message = format!(
                "samples of shape {:?} are announced, these are {input:?}",
                self.shape
            );
            return Err(Error::layer("InputLayer", message));
        }
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Input {
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
        class_name: "InputLayer",
        about: "names the shape of a sample and lets it through",
        file: file!(),
        from_config: |config| boxed::<E, Input>("InputLayer", config),
        sample: |sampler| {
            let shape = sampler.shape(0, 3, 4);
            Sample::new(Input::new(shape.clone()), shape)
        },
    }
}
