//! The difference of two inputs, element by element.

use super::{Row, Sample, boxed, merged};
use crate::{Context, DescribeJunction, Junction, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// a − b, element by element, of exactly two inputs.
///
/// Inputs of different shapes are stretched as Keras stretches them: axes are matched from the last one, a length of 1 becomes the
/// other, missing axes stand behind the batch.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Subtract};
/// assert_eq!(Subtract::new().output_shapes(&[&[4, 8], &[8]])?, [[4, 8]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subtract {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Subtract {
    /// A − b.
    pub fn new() -> Self {
        Subtract::default()
    }

    /// The junction's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl DescribeJunction for Subtract {
    fn class_name(&self) -> &'static str {
        "Subtract"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        merged::exactly_two("Subtract", inputs)?;
        Ok(vec![merged::shape("Subtract", inputs)?])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Subtract {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        merged::fold(inputs, |a, b| Ok(a.sub(b)?))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Subtract",
        about: "a − b",
        file: file!(),
        from_config: |config| boxed::<E, Subtract>("Subtract", config),
        sample: |sampler| {
            let junction = Subtract::new();
            let junction = match sampler.coin() {
                true => junction.name("named"),
                false => junction,
            };
            Sample {
                junction: Box::new(junction),
                inputs: merged::drawn(sampler, 2),
            }
        },
    }
}
