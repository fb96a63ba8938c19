//! Axes in another order.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// The axes of a sample in another order: axis `i` of the output is axis `dims[i]` of the input. As Keras counts them, the
/// first axis behind the batch is 1.
///
/// ```
/// use taper_nn::{Describe, layers::Permute};
/// assert_eq!(Permute::new([2, 1]).output_shape(&[10, 64])?, [64, 10]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permute {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes, each of 1, 2, … once (no default).
    pub dims: Vec<usize>,
}

impl Permute {
    /// Axes in this order, counted from 1.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Permute {
            name: None,
            dims: dims.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Permute {
    fn class_name(&self) -> &'static str {
        "Permute"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let dims = &self.dims;
        let mut sorted = dims.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(1..=input.len()) {
            let message = format!(
                "dims is {dims:?}; of an input {input:?} each of the axes 1 to {} must stand there once",
                input.len()
            );
            return Err(Error::layer("Permute", message));
        }
        Ok(dims.iter().map(|&axis| input[axis - 1]).collect())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Permute {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let axes = [&[0], self.dims.as_slice()].concat();
        Ok(x.permute(&axes)?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Permute",
        about: "axes in another order",
        file: file!(),
        from_config: |config| boxed::<E, Permute>("Permute", config),
        sample: |sampler| {
            let input = sampler.shape(1, 4, 3);
            let dims = sampler.some_of(input.len(), input.len());
            let dims: Vec<usize> = dims.into_iter().map(|axis| axis + 1).collect();
            Sample::new(Permute::new(dims), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_are_missing_or_twice_are_named() {
        for dims in [&[1][..], &[1, 1], &[0, 1], &[1, 3], &[1, 2, 3]] {
            let error = Permute::new(dims).output_shape(&[4, 5]).unwrap_err();
            assert!(error.to_string().contains("dims"), "{error}");
        }
    }
}
