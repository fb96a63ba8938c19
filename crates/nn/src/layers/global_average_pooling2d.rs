//! The average of every channel over the whole image.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

const CLASS: &str = "GlobalAveragePooling2D";

/// The average of every channel: `[height, width, channels]` → `[channels]`, or `[1, 1, channels]` with `keepdims`.
///
/// ```
/// use taper_nn::{Describe, layers::GlobalAveragePooling2D};
/// let layer = GlobalAveragePooling2D::new();
/// assert_eq!(layer.output_shape(&[7, 7, 64])?, [64]);
/// assert_eq!(layer.keepdims(true).output_shape(&[7, 7, 64])?, [1, 1, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether height and width stay, as axes of length 1 (default: no).
    #[serde(default)]
    pub keepdims: bool,
}

impl GlobalAveragePooling2D {
    /// A layer whose output has no height and width.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether height and width stay, as axes of length 1 (default: no).
    pub fn keepdims(mut self, on: bool) -> Self {
        self.keepdims = on;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for GlobalAveragePooling2D {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [height, width, channels] if height > 0 && width > 0 => Ok(if self.keepdims {
                vec![1, 1, channels]
            } else {
                vec![channels]
            }),
            _ => {
                let wanted = "an input [height, width, channels] with something to average";
                let message = format!("{wanted} is wanted, this one is {input:?}");
                Err(Error::layer(CLASS, message))
            }
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for GlobalAveragePooling2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        Ok(x.mean_axes(&[1, 2], self.keepdims)?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: CLASS,
        about: "the average of every channel over the whole image",
        file: file!(),
        from_config: |config| boxed::<E, GlobalAveragePooling2D>(CLASS, config),
        sample: |sampler| {
            let layer = GlobalAveragePooling2D::new().keepdims(sampler.coin());
            let sides = [(); 3].map(|()| sampler.integer(1, 4));
            Sample::new(layer, sides)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_refused() {
        let refused = |input: &[usize]| {
            let error = GlobalAveragePooling2D::new().output_shape(input);
            error.unwrap_err().to_string()
        };
        assert!(refused(&[4, 4]).contains("[4, 4]"));
        assert!(refused(&[0, 4, 1]).starts_with("GlobalAveragePooling2D: "));
    }
}
