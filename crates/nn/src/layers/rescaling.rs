//! A factor and an offset that are given.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Error, Layer, Result, ScaleAndShift, Values, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// x · scale + offset. Any shape; lists have a number for each channel (the last axis).
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::Rescaling};
/// use taper_tensor::Tensor;
/// // Bytes to numbers from -1 to 1.
/// let layer = Rescaling::new(1.0 / 127.5).offset(-1.0);
/// let model = Sequential::new([2]).add(layer).build(Seed(7))?;
/// let x = Tensor::from_vec([1, 2], vec![0.0, 255.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [-1.0, 1.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The factor, or one a channel (no default).
    pub scale: Values,
    /// What is added, or one number a channel (default: 0).
    #[serde(default = "nothing")]
    pub offset: Values,
}

fn nothing() -> Values {
    0.0.into()
}

impl Rescaling {
    /// x · scale, by one factor or by one a channel.
    pub fn new(scale: impl Into<Values>) -> Self {
        Rescaling {
            name: None,
            scale: scale.into(),
            offset: nothing(),
        }
    }

    /// What is added, or one number a channel (default: 0).
    pub fn offset(mut self, offset: impl Into<Values>) -> Self {
        self.offset = offset.into();
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Rescaling {
    fn class_name(&self) -> &'static str {
        "Rescaling"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let last = &input[input.len().saturating_sub(1)..];
        for (name, values) in [("scale", &self.scale), ("offset", &self.offset)] {
            values
                .check::<f32>(name)
                .map_err(|fault| Error::layer("Rescaling", fault))?;
            if !values.shape().is_empty() && values.shape() != last {
                let message = format!(
                    "{name} has the shape {:?}; of an input {input:?} it must be {last:?}, or one number",
                    values.shape()
                );
                return Err(Error::layer("Rescaling", message));
            }
        }
        Ok(input.to_vec())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Rescaling {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let constant = |values: &Values| x.tape().constant(&values.tensor());
        Ok(x.mul(&constant(&self.scale))?
            .add(&constant(&self.offset))?)
    }

    fn scale_and_shift(&self, _weights: &[&Tensor<E>]) -> Option<ScaleAndShift> {
        let [scale, shift] = [&self.scale, &self.offset].map(|v| v.values().to_vec());
        let count = scale.len().max(shift.len());
        let wide = |v: Vec<f64>| {
            if v.len() < count {
                vec![v[0]; count]
            } else {
                v
            }
        };
        Some(ScaleAndShift {
            scale: wide(scale),
            shift: wide(shift),
        })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Rescaling",
        about: "x · scale + offset, both given",
        file: file!(),
        from_config: |config| boxed::<E, Rescaling>("Rescaling", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 4);
            let channels = input[input.len() - 1];
            let mut drawn = || match sampler.coin() {
                true => Values::from(sampler.number(-2.0, 2.0)),
                false => Values::from_tensor(&sampler.tensor(&[channels])),
            };
            Sample::new(Rescaling::new(drawn()).offset(drawn()), input)
        },
    }
}
