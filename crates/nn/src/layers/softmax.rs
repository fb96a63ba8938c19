//! Softmax along axes of one's own.

use super::{Activation, Row, Sample, boxed};
use crate::constraints::Axes;
use crate::{ActivationKind, AtInference, Context, Describe, Layer, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// eˣ / Σeˣ along an axis, or along several together. Any shape.
///
/// Axes are counted as Keras counts them, with the batch (which cannot be one of them) as axis 0. Keras's `mask`, an argument of
/// the call, is missing.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::Softmax};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([4, 2]).add(Softmax::new().axis(1)).build(Seed(7))?;
/// assert_eq!(model.predict(&Tensor::ones([1, 4, 2]))?.to_vec(), [0.25; 8]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes along which the sum is 1 (default: −1, the last).
    #[serde(default = "Axes::last")]
    pub axis: Axes,
}

impl Default for Softmax {
    fn default() -> Self {
        Self::new()
    }
}

impl Softmax {
    /// Along the last axis.
    pub fn new() -> Self {
        Softmax {
            name: None,
            axis: Axes::last(),
        }
    }

    /// Along this axis, or these (default: −1, the last).
    pub fn axis(mut self, axis: impl Into<Axes>) -> Self {
        self.axis = axis.into();
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Softmax {
    fn class_name(&self) -> &'static str {
        "Softmax"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.axis.of_sample("Softmax", input)?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        match self.axis == Axes::last() {
            true => AtInference::Activation(ActivationKind::Softmax),
            false => AtInference::Forward,
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Softmax {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let axes = self.axis.of_batch("Softmax", x.shape())?;
        if let [axis] = axes[..] {
            return Ok(x.softmax(axis)?);
        }
        settings::with_axes_last(x, &axes, |rows| Ok(rows.softmax(rows.shape().len() - 1)?))
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        let name = self.name.clone();
        let linear = Activation {
            name,
            activation: ActivationKind::Linear,
        };
        let is_last = self.axis == Axes::last();
        is_last.then(|| {
            (
                ActivationKind::Softmax,
                Box::new(linear) as Box<dyn Layer<E>>,
            )
        })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Softmax",
        about: "eˣ / Σeˣ along axes",
        file: file!(),
        from_config: |config| boxed::<E, Softmax>("Softmax", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let layer = Softmax::new().axis(Axes::drawn(sampler, input.len()));
            Sample::new(layer, input)
        },
    }
}
