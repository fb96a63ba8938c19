//! Another shape for the same numbers.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Gives a sample another shape of the same size; one dimension may be −1, which means "what remains".
///
/// ```
/// use taper_nn::{Describe, layers::Reshape};
/// assert_eq!(Reshape::new([28, 28, -1]).output_shape(&[784])?, [28, 28, 1]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new shape of a sample; one dimension may be −1 (no default).
    pub target_shape: Vec<i64>,
}

impl Reshape {
    /// Samples get this shape; one dimension may be −1.
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        Reshape {
            name: None,
            target_shape: target_shape.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The new shape for a sample of this one.
    fn resolve(&self, input: &[usize]) -> Result<Vec<usize>> {
        let target = &self.target_shape;
        let fail = |why: &str| {
            Error::layer(
                "Reshape",
                format!("{input:?} cannot become target_shape {target:?}: {why}"),
            )
        };
        let count = config::elements(input).ok_or_else(|| fail("the input is too large"))?;
        if target.iter().any(|&n| n < -1) || target.iter().filter(|&&n| n == -1).count() > 1 {
            return Err(fail("only one dimension may be open (-1), none below"));
        }
        let given: Vec<usize> = target
            .iter()
            .filter(|&&n| n >= 0)
            .map(|&n| n as usize)
            .collect();
        let given = config::elements(&given).ok_or_else(|| fail("the target is too large"))?;
        let rest = count.checked_div(given).unwrap_or(0);
        let shape: Vec<usize> = target
            .iter()
            .map(|&n| if n == -1 { rest } else { n as usize })
            .collect();
        if config::elements(&shape) != Some(count) {
            return Err(fail(&format!("the sizes are {count} and {given}")));
        }
        Ok(shape)
    }
}

impl Describe for Reshape {
    fn class_name(&self) -> &'static str {
        "Reshape"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.resolve(input)
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Reshape {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let [batch, sample @ ..] = x.shape() else {
            return Err(Error::layer(
                "Reshape",
                "an input with a batch axis is wanted, this one is a single number",
            ));
        };
        Ok(x.reshape([&[*batch], self.resolve(sample)?.as_slice()].concat())?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Reshape",
        about: "gives a sample another shape of the same size",
        file: file!(),
        from_config: |config| boxed::<E, Reshape>("Reshape", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 4);
            let mut target: Vec<i64> = input.iter().rev().map(|&n| n as i64).collect();
            if sampler.coin() {
                target[0] = -1;
            }
            Sample::new(Reshape::new(target), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let resolve = |target: &[i64], input: &[usize]| Reshape::new(target).resolve(input);
        assert_eq!(resolve(&[28, 28, 1], &[28, 28]).unwrap(), [28, 28, 1]);
        assert_eq!(resolve(&[-1, 2], &[6]).unwrap(), [3, 2]);
        assert_eq!(resolve(&[-1], &[2, 3]).unwrap(), [6]);
        for (target, input) in [
            (&[5][..], &[6][..]),
            (&[-1, -1], &[6]),
            (&[-2, -3], &[6]),
            (&[-1, 4], &[6]),
            (&[-1, 0], &[6]),
        ] {
            let error = resolve(target, input).unwrap_err().to_string();
            assert!(error.contains("[6]"), "{error}");
        }
        assert!(resolve(&[i64::MAX, i64::MAX], &[6]).is_err());
    }
}
