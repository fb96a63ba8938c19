//! The ends of a sequence cut off.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Layer, Pair, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Cuts steps off both ends of a sequence, of which at least one must be left: `[steps, channels]` →
/// `[steps − before − behind, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::Cropping1D};
/// assert_eq!(Cropping1D::new([2, 1]).output_shape(&[10, 3])?, [7, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping1D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Steps cut off in front and behind, 0 or more each (default: 1 each).
    #[serde(default = "Pair::one")]
    pub cropping: Pair,
}

impl Default for Cropping1D {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Cropping1D {
    /// So many steps off both ends (`2`), or in front and behind (`[0, 3]`).
    pub fn new(cropping: impl Into<Pair>) -> Self {
        Cropping1D {
            name: None,
            cropping: cropping.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Cropping1D {
    fn class_name(&self) -> &'static str {
        "Cropping1D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::cropped_shape("Cropping1D", &[self.cropping.0], input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Cropping1D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let Pair([before, behind]) = self.cropping;
        let end = x.shape()[1].saturating_sub(behind);
        Ok(x.slice(1, before..end)?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Cropping1D",
        about: "cuts steps off both ends of a sequence",
        file: file!(),
        from_config: |config| boxed::<E, Cropping1D>("Cropping1D", config),
        sample: |sampler| {
            let cropping = [sampler.integer(0, 2), sampler.integer(0, 2)];
            let steps = cropping[0] + cropping[1] + sampler.integer(1, 3);
            Sample::new(Cropping1D::new(cropping), [steps, sampler.integer(1, 3)])
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_must_be_left() {
        let error = Cropping1D::new([2, 1]).output_shape(&[3, 4]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("cropping") && message.contains("[3, 4]"),
            "{message}"
        );
        let huge = Cropping1D::new(usize::MAX).output_shape(&[3, 4]);
        assert!(huge.unwrap_err().to_string().contains("cropping"));
        assert!(Cropping1D::new(1).output_shape(&[3]).is_err());
    }
}
