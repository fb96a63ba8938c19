//! Each sample, or parts of it, brought to length 1.

use super::{Row, Sample, boxed};
use crate::constraints::Axes;
use crate::{Context, Describe, Layer, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// x / |x|, the length being the root of the sum of squares along the last axis (or those that `axis` names, together) of each
/// sample by itself. What is shorter than 10⁻¹² is divided by that. Any shape.
///
/// Axes are counted as Keras counts them, with the batch (which cannot be one of them) as axis 0.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::UnitNormalization};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(UnitNormalization::new()).build(Seed(7))?;
/// assert_eq!(model.predict(&Tensor::from_vec([1, 2], vec![3.0, 4.0])?)?.to_vec(), [0.6, 0.8]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitNormalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes that have length 1 together (default: −1, the last).
    #[serde(default = "Axes::last")]
    pub axis: Axes,
}

impl Default for UnitNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl UnitNormalization {
    /// Along the last axis.
    pub fn new() -> Self {
        UnitNormalization {
            name: None,
            axis: Axes::last(),
        }
    }

    /// The axes that have length 1 together (default: −1, the last).
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

impl Describe for UnitNormalization {
    fn class_name(&self) -> &'static str {
        "UnitNormalization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.axis.of_sample("UnitNormalization", input)?;
        Ok(input.to_vec())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for UnitNormalization {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let axes = self.axis.of_batch("UnitNormalization", x.shape())?;
        settings::of_length_one(x, &axes, 1e-12)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "UnitNormalization",
        about: "x / |x| along axes",
        file: file!(),
        from_config: |config| boxed::<E, UnitNormalization>("UnitNormalization", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let layer = UnitNormalization::new().axis(Axes::drawn(sampler, input.len()));
            Sample::new(layer, input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn nothing_stays_nothing_with_a_gradient() {
        let tape = Tape::<f32>::new();
        let x = tape.parameter(&Tensor::zeros([1, 3]));
        let layer = UnitNormalization::new();
        let y = layer.forward(&x, &[], &mut Context::inference()).unwrap();
        assert_eq!(y.value().to_vec(), [0.0; 3]);
        let gradient = y.sum().backward().unwrap()[&x].to_vec();
        assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    }
}
