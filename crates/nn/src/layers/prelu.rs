//! Relu with slopes below 0 that are learnt.

use super::{Row, Sample, boxed};
use crate::{
    Constraint, Context, Describe, Error, Initializer, Layer, Regularizer, Result, WeightSpec,
    config,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// x where x > 0, α · x elsewhere, with a learnt α for each place of a sample (He et al. 2015). Any shape.
///
/// Weight: `alpha`, of the sample's shape, with 1 in place of each of `shared_axes`: along these all places share one. Of an
/// image, `shared_axes([1, 2])` leaves one α a channel.
///
/// ```
/// use taper_nn::{Describe, layers::PReLU};
/// let layer = PReLU::new().shared_axes([1, 2]);
/// assert_eq!(layer.weights(&[8, 8, 3])?[0].shape, [1, 1, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PReLU {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First values of α (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub alpha_initializer: Initializer,
    /// Penalty on α (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_regularizer: Option<Regularizer>,
    /// What α must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_constraint: Option<Constraint>,
    /// Axes along which all places have the same α, counted from 1 (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_axes: Option<Vec<usize>>,
}

impl Default for PReLU {
    fn default() -> Self {
        Self::new()
    }
}

impl PReLU {
    /// An α of 0 for each place.
    pub fn new() -> Self {
        PReLU {
            name: None,
            alpha_initializer: Initializer::default_bias(),
            alpha_regularizer: None,
            alpha_constraint: None,
            shared_axes: None,
        }
    }

    /// First values of α (default: zeros).
    pub fn alpha_initializer(mut self, initializer: Initializer) -> Self {
        self.alpha_initializer = initializer;
        self
    }

    /// Penalty on α (default: none).
    pub fn alpha_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.alpha_regularizer = Some(regularizer.into());
        self
    }

    /// What α must be after every step (default: anything).
    pub fn alpha_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.alpha_constraint = Some(constraint.into());
        self
    }

    /// Axes along which all places have the same α, counted from 1 (default: none).
    pub fn shared_axes(mut self, axes: impl Into<Vec<usize>>) -> Self {
        self.shared_axes = Some(axes.into());
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn alpha_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let mut shape = input.to_vec();
        for &axis in self.shared_axes.iter().flatten() {
            let place = axis.checked_sub(1).and_then(|axis| shape.get_mut(axis));
            *place.ok_or_else(|| {
                let message = format!(
                    "shared_axes has {axis}; an input {input:?} has the axes 1 to {}",
                    input.len()
                );
                Error::layer("PReLU", message)
            })? = 1;
        }
        Ok(shape)
    }
}

impl Describe for PReLU {
    fn class_name(&self) -> &'static str {
        "PReLU"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.alpha_shape(input)?;
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec {
            name: "alpha".into(),
            shape: self.alpha_shape(input)?,
            initializer: self.alpha_initializer,
            regularizer: self.alpha_regularizer,
            trainable: true,
        }])
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        (weight == "alpha").then(|| self.alpha_constraint.clone())?
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for PReLU {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], _context: &mut Context<E>) -> Result<Var<E>> {
        let [alpha] = weights else {
            let message = format!("an alpha is wanted, {} weights given", weights.len());
            return Err(Error::layer("PReLU", message));
        };
        let below = |x: E| if x < E::zero() { x } else { E::zero() };
        let slope = |x: E| if x < E::zero() { E::one() } else { E::zero() };
        let negative = x.map("prelu", below, slope);
        Ok(x.relu().add(&negative.mul(alpha)?)?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "PReLU",
        about: "x where x > 0, α · x elsewhere, with learnt α",
        file: file!(),
        from_config: |config| boxed::<E, PReLU>("PReLU", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let mut layer = PReLU::new();
            if sampler.coin() {
                let axes = sampler.axes(input.len());
                layer = layer.shared_axes(axes.iter().map(|axis| axis + 1).collect::<Vec<_>>());
            }
            if sampler.coin() {
                layer = layer
                    .alpha_initializer(Initializer::Constant(0.25))
                    .alpha_regularizer(crate::L2(sampler.number(0.0, 0.1)))
                    .alpha_constraint(crate::NonNeg);
            }
            Sample::new(layer, input)
        },
    }
}
