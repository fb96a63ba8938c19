//! Max pooling of images.

use super::{Row, Sample, boxed, pooling_settings};
use crate::settings::pooled_shape;
use crate::{Context, Describe, Layer, Padding, Pair, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// The largest value of each window: `[height, width, channels]` → `[out height, out width, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::MaxPooling2D};
/// assert_eq!(MaxPooling2D::new(2).output_shape(&[24, 24, 64])?, [12, 12, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Height and width of the windows (default: 2 each).
    #[serde(default = "Pair::two")]
    pub pool_size: Pair,
    /// Steps of the windows (default: `pool_size`).
    #[serde(default)]
    pub strides: Option<Pair>,
    /// Windows inside the image only (`valid`), or reaching over its edges (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
}

impl MaxPooling2D {
    /// Windows of `pool_size` (`2` or `[2, 3]`), side by side.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        MaxPooling2D {
            name: None,
            pool_size: pool_size.into(),
            strides: None,
            padding: Padding::Valid,
        }
    }

    pooling_settings!();
}

impl Describe for MaxPooling2D {
    fn class_name(&self) -> &'static str {
        "MaxPooling2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        pooled_shape("MaxPooling2D", &self.spec(), input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for MaxPooling2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        Ok(x.max_pool2d(&self.spec())?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MaxPooling2D",
        about: "the largest value of each window of an image",
        file: file!(),
        from_config: |config| boxed::<E, MaxPooling2D>("MaxPooling2D", config),
        sample: |sampler| {
            let (layer, input) = MaxPooling2D::random(sampler);
            Sample::new(layer, input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: MaxPooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(MaxPooling2D::new(0), &[4, 4, 1]).contains("pool_size is [0, 0]"));
        assert!(message(MaxPooling2D::new(2), &[4, 4]).contains("[4, 4]"));
        assert!(message(MaxPooling2D::new(5), &[4, 4, 1]).starts_with("MaxPooling2D: "));
    }
}
