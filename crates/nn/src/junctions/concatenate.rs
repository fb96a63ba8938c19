//! Several inputs one behind the other.

use super::{Row, Sample, at_least_two, boxed};
use crate::{Context, DescribeJunction, Error, Junction, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// The inputs one behind the other along `axis`; their other dimensions agree.
///
/// Axes are counted as Keras counts them, with the batch as axis 0: 1 is a sample's first axis, −1 (the default) the
/// last.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Concatenate};
/// assert_eq!(Concatenate::new().output_shapes(&[&[4, 4, 8], &[4, 4, 2]])?, [[4, 4, 10]]);
/// assert_eq!(Concatenate::new().axis(1).output_shapes(&[&[4, 8], &[2, 8]])?, [[6, 8]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {
    /// The junction's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axis, with the batch as axis 0; negative ones count from behind (default: −1).
    #[serde(default = "last")]
    pub axis: isize,
}

fn last() -> isize {
    -1
}

impl Default for Concatenate {
    fn default() -> Self {
        Self::new()
    }
}

impl Concatenate {
    /// The inputs one behind the other along the last axis.
    pub fn new() -> Self {
        Concatenate {
            name: None,
            axis: last(),
        }
    }

    /// The axis, with the batch as axis 0; negative ones count from behind (default: −1).
    pub fn axis(mut self, axis: isize) -> Self {
        self.axis = axis;
        self
    }

    /// The junction's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The axis among those of a batch, for samples of this many axes.
    pub(crate) fn batch_axis(&self, sample_axes: usize) -> Result<usize> {
        let axes = sample_axes as isize + 1;
        let axis = if self.axis < 0 {
            self.axis.saturating_add(axes)
        } else {
            self.axis
        };
        if (1..axes).contains(&axis) {
            return Ok(axis as usize);
        }
        let message = format!(
            "axis is {}, of inputs with {sample_axes} axes behind the batch; it must be in 1..={sample_axes}, or -{sample_axes}..=-1 from behind",
            self.axis
        );
        Err(Error::layer("Concatenate", message))
    }
}

impl DescribeJunction for Concatenate {
    fn class_name(&self) -> &'static str {
        "Concatenate"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        at_least_two("Concatenate", inputs)?;
        let mut output = inputs[0].to_vec();
        let axis = self.batch_axis(output.len())? - 1;
        for input in &inputs[1..] {
            let agree = input.len() == output.len()
                && (0..output.len()).all(|a| a == axis || input[a] == output[a]);
            if !agree {
                let message = format!(
                    "inputs {:?} and {input:?} differ in more than axis {}",
                    inputs[0], self.axis
                );
                return Err(Error::layer("Concatenate", message));
            }
            output[axis] = output[axis].saturating_add(input[axis]);
        }
        Ok(vec![output])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Concatenate {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let axes = inputs.first().map_or(0, |x| x.shape().len());
        let axis = self.batch_axis(axes.saturating_sub(1))?;
        Ok(vec![Var::concat(inputs, axis)?])
    }

    fn output_masks(
        &self,
        inputs: &[&Tensor<E>],
        masks: &[Option<&Tensor<E>>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let axes = inputs.first().map_or(0, |input| input.rank());
        crate::masks::concatenated(inputs, masks, self.batch_axis(axes.saturating_sub(1))?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Concatenate",
        about: "the inputs one behind the other along an axis",
        file: file!(),
        from_config: |config| boxed::<E, Concatenate>("Concatenate", config),
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let axis = sampler.integer(0, shape.len() - 1);
            let from_behind = axis as isize - shape.len() as isize;
            let junction = Concatenate::new().axis(if sampler.coin() {
                axis as isize + 1
            } else {
                from_behind
            });
            let count = sampler.integer(2, 4);
            let inputs = (0..count).map(|_| {
                let mut shape = shape.clone();
                shape[axis] = sampler.integer(1, 3);
                shape
            });
            let inputs = inputs.collect();
            Sample {
                junction: Box::new(junction),
                inputs,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |axis: isize, inputs: &[&[usize]]| {
            let junction = Concatenate::new().axis(axis);
            junction.output_shapes(inputs).unwrap_err().to_string()
        };
        for axis in [0, 3, -3, isize::MIN, isize::MAX] {
            assert!(message(axis, &[&[2, 3], &[2, 3]]).contains("axis"));
        }
        let differ = message(-1, &[&[2, 3], &[3, 3]]);
        assert!(differ.contains("[2, 3]") && differ.contains("[3, 3]"));
        assert!(message(1, &[&[2], &[2, 3]]).contains("differ"));
    }
}
