//! Max pooling of sequences.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Padding, Pool2dSpec};

/// The largest value of each window: `[steps, channels]` → `[out steps, channels]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling1D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Length of the windows (default: 2).
    #[serde(default = "two")]
    pub pool_size: usize,
    /// Step of the windows (default: `pool_size`).
    #[serde(default)]
    pub strides: Option<usize>,
    /// Windows inside the sequence only (`valid`), or reaching over its ends (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
}

impl MaxPooling1D {
    /// Windows of `pool_size`, side by side.
    pub fn new(pool_size: usize) -> Self {
        MaxPooling1D {
            name: None,
            pool_size,
            strides: None,
            padding: Padding::Valid,
        }
    }

    /// Step of the windows (default: `pool_size`).
    pub fn strides(mut self, strides: usize) -> Self {
        self.strides = Some(strides);
        self
    }

    /// Windows inside the sequence only, or reaching over its ends (default: valid).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn step(&self) -> usize {
        self.strides.unwrap_or(self.pool_size)
    }

    /// The geometry: a sequence is an image one pixel wide.
    pub(crate) fn spec(&self) -> Pool2dSpec {
        Pool2dSpec {
            size: [self.pool_size, 1],
            strides: [self.step(), 1],
            padding: self.padding,
        }
    }
}

impl Describe for MaxPooling1D {
    fn class_name(&self) -> &'static str {
        "MaxPooling1D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Error::layer("MaxPooling1D", message);
        setting::sizes("pool_size", &[self.pool_size])
            .and_then(|()| setting::sizes("strides", &[self.step()]))
            .map_err(fail)?;
        let &[steps, channels] = input else {
            return Err(fail(format!(
                "an input [steps, channels] is wanted, this one is {input:?}"
            )));
        };
        let output = self
            .spec()
            .output_shape(&[1, steps, 1, channels])
            .map_err(|error| {
                let numbers = setting::numbers(&self.config());
                fail(format!("{error} ({numbers})"))
            })?;
        Ok(vec![output[1], channels])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for MaxPooling1D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        Ok(x.max_pool1d(self.pool_size, self.step(), self.padding)?)
    }
}

fn two() -> usize {
    2
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MaxPooling1D",
        about: "the largest value of each window of a sequence",
        file: file!(),
        from_config: |config| boxed::<E, MaxPooling1D>("MaxPooling1D", config),
        sample: |sampler| {
            let mut layer = MaxPooling1D::new(sampler.integer(1, 3));
            if sampler.coin() {
                layer = layer.strides(sampler.integer(1, 3)).padding(Padding::Same);
            }
            Sample::new(layer, [sampler.integer(3, 7), sampler.integer(1, 3)])
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn the_largest_of_each_window() {
        let x = Tensor::<f32>::from_vec([1, 5, 1], vec![1.0, 3.0, 2.0, -1.0, 7.0]).unwrap();
        let run = |layer: MaxPooling1D| {
            let y = layer
                .forward(&Tape::new().constant(&x), &[], &mut Context::inference())
                .unwrap();
            (y.shape().to_vec(), y.value().to_vec())
        };
        assert_eq!(run(MaxPooling1D::new(2)), (vec![1, 2, 1], vec![3.0, 2.0]));
        assert_eq!(
            run(MaxPooling1D::new(2).padding(Padding::Same)),
            (vec![1, 3, 1], vec![3.0, 2.0, 7.0])
        );
        assert_eq!(
            run(MaxPooling1D::new(3).strides(1)),
            (vec![1, 3, 1], vec![3.0, 3.0, 7.0])
        );
    }
}
