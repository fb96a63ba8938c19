//! Normalization of each sample, or of parts of it, to mean 0 and variance 1.

use super::{Row, Sample, boxed};
use crate::constraints::Axes;
use crate::settings::scale_and_offset_settings;
use crate::{
    Constraint, Context, Describe, Initializer, Layer, Regularizer, Result, WeightSpec, config,
    settings,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// γ · (x − mean) / √(variance + ε) + β, with mean and variance along the last axis (or those that `axis` names, together) of
/// each sample by itself (Ba, Kiros and Hinton 2016). Any shape.
///
/// Axes are counted as Keras counts them, with the batch (which cannot be one of them) as axis 0. Weights: `gamma` and `beta`,
/// of the lengths of these axes in order. Axes that are not the last ones cost a copy there and back. Keras's `rms_scaling`,
/// which is deprecated there, is missing: see [`RMSNormalization`](super::RMSNormalization).
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::LayerNormalization};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(LayerNormalization::new().epsilon(0.0)).build(Seed(7))?;
/// let x = Tensor::from_vec([2, 2], vec![3.0, 5.0, 0.0, -8.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [-1.0, 1.0, 1.0, -1.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNormalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes that are normalized together (default: −1, the last).
    #[serde(default = "Axes::last")]
    pub axis: Axes,
    /// Added to the variance, 0 or more (default: 0.001).
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether β is added (default: yes).
    #[serde(default = "config::yes")]
    pub center: bool,
    /// Whether γ multiplies (default: yes).
    #[serde(default = "config::yes")]
    pub scale: bool,
    /// First values of β (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub beta_initializer: Initializer,
    /// First values of γ (default: ones).
    #[serde(default = "Initializer::default_scale")]
    pub gamma_initializer: Initializer,
    /// Penalty on β (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on γ (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_regularizer: Option<Regularizer>,
    /// What β must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_constraint: Option<Constraint>,
    /// What γ must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_constraint: Option<Constraint>,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self::new()
    }
}

fn epsilon() -> f64 {
    1e-3
}

impl LayerNormalization {
    /// Keras's defaults: the last axis, ε 0.001, γ from 1 and β from 0.
    pub fn new() -> Self {
        LayerNormalization {
            name: None,
            axis: Axes::last(),
            epsilon: epsilon(),
            center: true,
            scale: true,
            beta_initializer: Initializer::default_bias(),
            gamma_initializer: Initializer::default_scale(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }

    /// The axes that are normalized together (default: −1, the last).
    pub fn axis(mut self, axis: impl Into<Axes>) -> Self {
        self.axis = axis.into();
        self
    }

    scale_and_offset_settings!();
}

impl Describe for LayerNormalization {
    fn class_name(&self) -> &'static str {
        "LayerNormalization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.check("LayerNormalization")?;
        self.axis.of_sample("LayerNormalization", input)?;
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let axes = self.axis.of_sample("LayerNormalization", input)?;
        Ok(self.weight_specs(axes.into_iter().map(|axis| input[axis]).collect()))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for LayerNormalization {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], _context: &mut Context<E>) -> Result<Var<E>> {
        let (gamma, beta) = self.of_weights("LayerNormalization", weights)?;
        let axes = self.axis.of_batch("LayerNormalization", x.shape())?;
        let flat = |weight: &Var<E>| weight.reshape([weight.value().len()]);
        let (gamma, beta) = (gamma.map(flat).transpose()?, beta.map(flat).transpose()?);
        settings::with_axes_last(x, &axes, |rows| {
            Ok(rows.layer_normalization(gamma.as_ref(), beta.as_ref(), self.epsilon)?)
        })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "LayerNormalization",
        about: "each sample brought to mean 0 and variance 1 along axes, then γ · x + β",
        file: file!(),
        from_config: |config| boxed::<E, LayerNormalization>("LayerNormalization", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let axis = Axes::drawn(sampler, input.len());
            let layer = LayerNormalization::new().axis(axis);
            Sample::new(layer.random_settings(sampler), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_that_do_not_exist_are_named() {
        for axis in [[0, 1], [1, 4], [1, -1], [2, 2], [i64::MAX, i64::MIN]] {
            let layer = LayerNormalization::new().axis(axis);
            let error = layer.output_shape(&[3, 4, 5]).unwrap_err().to_string();
            assert!(error.starts_with("LayerNormalization: axis is"), "{error}");
        }
        let shape = LayerNormalization::new().axis([-1, -3]).weights(&[3, 4, 5]);
        assert_eq!(shape.unwrap()[0].shape, [3, 5]);
        let nothing = LayerNormalization::new().output_shape(&[]);
        assert!(nothing.is_err());
    }
}
