//! The sum of several inputs: the end of a residual block.

use super::{Row, Sample, at_least_two, boxed};
use crate::{Context, DescribeJunction, Error, ForwardRelu, Junction, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// a + b + …, element by element. All inputs have the same shape, and so has the output.
///
/// Keras broadcasts inputs of different shapes; here they are an error, because that is nearly always a mistake.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Add};
/// assert_eq!(Add::new().output_shapes(&[&[4, 4, 8], &[4, 4, 8]])?, [[4, 4, 8]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Add {
    /// The sum of what comes in.
    pub fn new() -> Self {
        Add::default()
    }

    /// The junction's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl DescribeJunction for Add {
    fn class_name(&self) -> &'static str {
        "Add"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        at_least_two("Add", inputs)?;
        if let Some(other) = inputs.iter().find(|input| **input != inputs[0]) {
            let message = format!(
                "inputs {:?} and {other:?} cannot be added; they must have the same shape",
                inputs[0]
            );
            return Err(Error::layer("Add", message));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Add {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let (first, rest) = inputs.split_first().ok_or_else(no_inputs)?;
        let mut sum = (*first).clone();
        for input in rest {
            sum = sum.add(input)?;
        }
        Ok(vec![sum])
    }

    fn output_masks(
        &self,
        _inputs: &[&Tensor<E>],
        masks: &[Option<&Tensor<E>>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        crate::masks::any_of(masks)
    }

    fn forward_relu(&self) -> Option<ForwardRelu<E>> {
        Some(sum_relu)
    }
}

/// A sum of two is written where one of them lay.
fn sum_relu<E: Element>(mut inputs: Vec<Var<E>>) -> Result<Var<E>> {
    let last = inputs.pop().ok_or_else(no_inputs)?;
    let mut inputs = inputs.into_iter();
    let Some(first) = inputs.next() else {
        return Ok(last.relu());
    };
    let sum = inputs.try_fold(first, |sum, input| sum.add(&input))?;
    Ok(sum.add_relu(last)?)
}

/// Refused when a model is built.
fn no_inputs() -> Error {
    Error::layer("Add", "there are no inputs")
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Add",
        about: "a + b + …",
        file: file!(),
        from_config: |config| boxed::<E, Add>("Add", config),
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let junction = if sampler.coin() {
                Add::new().name("named")
            } else {
                Add::new()
            };
            Sample {
                junction: Box::new(junction),
                inputs: vec![shape; sampler.integer(2, 4)],
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_differ_are_named() {
        let error = Add::new().output_shapes(&[&[3, 4], &[3, 1]]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("[3, 4]") && message.contains("[3, 1]"),
            "{message}"
        );
    }
}
