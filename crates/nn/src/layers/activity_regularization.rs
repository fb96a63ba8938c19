//! A penalty on what passes.

use super::{Row, Sample, boxed};
use crate::{AtInference, Context, Describe, Error, L1L2, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Passes on what comes in, and adds l1 · Σ|x| + l2 · Σx², divided by the batch size, to the loss. Any shape.
///
/// ```
/// use taper_nn::{MeanSquaredError, Seed, Sequential, layers::ActivityRegularization};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(ActivityRegularization::new().l1(0.5)).build(Seed(7))?;
/// let x = Tensor::from_vec([2, 2], vec![1.0, -2.0, 3.0, 0.0])?;
/// let measured = model.evaluate_batch(&x, &x, &MeanSquaredError)?;
/// assert_eq!((measured.loss, measured.activity_penalty), (0.0, 1.5));
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityRegularization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Factor of Σ|x| (default: 0).
    #[serde(default)]
    pub l1: f64,
    /// Factor of Σx² (default: 0).
    #[serde(default)]
    pub l2: f64,
}

impl ActivityRegularization {
    /// No penalty yet.
    pub fn new() -> Self {
        ActivityRegularization::default()
    }

    /// Factor of Σ|x| (default: 0).
    pub fn l1(mut self, l1: f64) -> Self {
        self.l1 = l1;
        self
    }

    /// Factor of Σx² (default: 0).
    pub fn l2(mut self, l2: f64) -> Self {
        self.l2 = l2;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for ActivityRegularization {
    fn class_name(&self) -> &'static str {
        "ActivityRegularization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::not_negative_in::<f32>("l1", self.l1)
            .and_then(|()| setting::not_negative_in::<f32>("l2", self.l2))
            .map_err(|fault| Error::layer("ActivityRegularization", fault))?;
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn penalizes(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for ActivityRegularization {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (l1, l2) = (self.l1, self.l2);
        context.penalize(x, Some(L1L2 { l1, l2 }.into()))?;
        Ok(x.clone())
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "ActivityRegularization",
        about: "x, with the penalty l1 · Σ|x| + l2 · Σx²",
        file: file!(),
        from_config: |config| boxed::<E, ActivityRegularization>("ActivityRegularization", config),
        sample: |sampler| {
            let layer = ActivityRegularization::new().l1(sampler.number(0.0, 0.5));
            let layer = layer.l2(sampler.number(0.0, 0.5));
            Sample::new(layer, sampler.shape(1, 3, 4))
        },
    }
}
