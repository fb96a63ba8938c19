//! Average pooling of images.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Pair, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Padding, Pool2dSpec};

/// The average of each window: `[height, width, channels]` → `[out height, out width, channels]`. Over the edges of the
/// image (`same`) there is nothing to count.
///
/// ```
/// use taper_nn::{Describe, layers::AveragePooling2D};
/// assert_eq!(AveragePooling2D::new(2).output_shape(&[24, 24, 64])?, [12, 12, 64]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling2D {
    /// The layer's name in the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Height and width of the windows.
    #[serde(default = "Pair::two")]
    pub pool_size: Pair,
    /// Steps of the windows (absent: `pool_size`).
    #[serde(default)]
    pub strides: Option<Pair>,
    /// Windows inside the image only (`valid`), or reaching over its edges (`same`).
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
}

impl AveragePooling2D {
    /// Windows of `pool_size` (`2` or `[2, 3]`), side by side.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        AveragePooling2D {
            name: None,
            pool_size: pool_size.into(),
            strides: None,
            padding: Padding::Valid,
        }
    }

    /// Steps of the windows (default: `pool_size`).
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// Windows inside the image only, or reaching over its edges (default: valid).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The geometry, for the kernels.
    fn spec(&self) -> Pool2dSpec {
        let strides = self.strides.unwrap_or(self.pool_size);
        Pool2dSpec {
            size: self.pool_size.0,
            strides: strides.0,
            padding: self.padding,
        }
    }
}

impl Describe for AveragePooling2D {
    fn class_name(&self) -> &'static str {
        "AveragePooling2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Error::layer("AveragePooling2D", message);
        let spec = self.spec();
        if spec.size.contains(&0) || spec.strides.contains(&0) {
            let message = format!(
                "pool_size {:?} and strides {:?} must be at least 1",
                spec.size, spec.strides
            );
            return Err(fail(message));
        }
        if input.len() != 3 {
            return Err(fail(format!(
                "an input [height, width, channels] is wanted, this one is {input:?}"
            )));
        }
        let output = spec
            .output_shape(&[&[1], input].concat())
            .map_err(|error| fail(error.to_string()))?;
        Ok(output[1..].to_vec())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for AveragePooling2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        Ok(x.average_pool2d(&self.spec())?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AveragePooling2D",
        about: "the average of each window of an image",
        file: file!(),
        from_config: |config| boxed::<E, AveragePooling2D>("AveragePooling2D", config),
        sample: |sampler| {
            let mut layer = AveragePooling2D::new([sampler.integer(1, 3), sampler.integer(1, 3)]);
            if sampler.coin() {
                layer = layer
                    .strides([sampler.integer(1, 3), sampler.integer(1, 3)])
                    .padding(Padding::Same);
            }
            Sample::new(
                layer,
                [
                    sampler.integer(3, 6),
                    sampler.integer(3, 6),
                    sampler.integer(1, 3),
                ],
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: AveragePooling2D, input: &[usize]| {
            layer.output_shape(input).unwrap_err().to_string()
        };
        assert!(message(AveragePooling2D::new(0), &[4, 4, 1]).contains("pool_size [0, 0]"));
        assert!(message(AveragePooling2D::new(2), &[4, 4]).contains("[4, 4]"));
        assert!(message(AveragePooling2D::new(5), &[4, 4, 1]).starts_with("AveragePooling2D: "));
    }
}
