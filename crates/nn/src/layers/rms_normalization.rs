//! Normalization of each sample, or of parts of it, to a mean square of 1.

use super::{Row, Sample, boxed};
use crate::constraints::Axes;
use crate::{
    Context, Describe, Error, Initializer, Layer, Result, WeightSpec, config, setting, settings,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// scale · x / √(mean of x² + ε), the mean being that along the last axis (or those that `axis` names, together) of each sample by
/// itself (Zhang and Sennrich 2019). Any shape.
///
/// Axes are counted as Keras counts them, with the batch (which cannot be one of them) as axis 0. Weight: `scale`, of the
/// lengths of these axes in order, ones at first.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::RMSNormalization};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(RMSNormalization::new().epsilon(0.0)).build(Seed(7))?;
/// assert_eq!(model.predict(&Tensor::from_vec([1, 2], vec![1.0, 7.0])?)?.to_vec(), [0.2, 1.4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RMSNormalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes that are normalized together (default: −1, the last).
    #[serde(default = "Axes::last")]
    pub axis: Axes,
    /// Added to the mean square, 0 or more (default: 10⁻⁶).
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

impl Default for RMSNormalization {
    fn default() -> Self {
        Self::new()
    }
}

fn epsilon() -> f64 {
    1e-6
}

impl RMSNormalization {
    /// Keras's defaults: the last axis, ε 10⁻⁶.
    pub fn new() -> Self {
        RMSNormalization {
            name: None,
            axis: Axes::last(),
            epsilon: epsilon(),
        }
    }

    /// The axes that are normalized together (default: −1, the last).
    pub fn axis(mut self, axis: impl Into<Axes>) -> Self {
        self.axis = axis.into();
        self
    }

    /// Added to the mean square (default: 10⁻⁶).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for RMSNormalization {
    fn class_name(&self) -> &'static str {
        "RMSNormalization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::not_negative_in::<f32>("epsilon", self.epsilon)
            .map_err(|fault| Error::layer("RMSNormalization", fault))?;
        self.axis.of_sample("RMSNormalization", input)?;
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let axes = self.axis.of_sample("RMSNormalization", input)?;
        Ok(vec![WeightSpec {
            name: "scale".into(),
            shape: axes.into_iter().map(|axis| input[axis]).collect(),
            initializer: Initializer::default_scale(),
            regularizer: None,
            trainable: true,
        }])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for RMSNormalization {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], _context: &mut Context<E>) -> Result<Var<E>> {
        let [scale] = weights else {
            let message = format!("a scale is wanted, {} weights given", weights.len());
            return Err(Error::layer("RMSNormalization", message));
        };
        let axes = self.axis.of_batch("RMSNormalization", x.shape())?;
        let scale = scale.reshape([scale.value().len()])?;
        settings::with_axes_last(x, &axes, |rows| {
            Ok(rows.rms_normalization(Some(&scale), self.epsilon)?)
        })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RMSNormalization",
        about: "each sample brought to a mean square of 1 along axes, then scale · x",
        file: file!(),
        from_config: |config| boxed::<E, RMSNormalization>("RMSNormalization", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let layer = RMSNormalization::new()
                .axis(Axes::drawn(sampler, input.len()))
                .epsilon(sampler.number(0.01, 0.5));
            Sample::new(layer, input)
        },
    }
}
