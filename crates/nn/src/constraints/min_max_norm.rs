//! Norms between two bounds.

use super::{Axes, Constraint, EPSILON, Row};
use crate::setting::{self, Checked};
use serde::{Deserialize, Serialize};
use taper_tensor::{Element, Tensor};

/// Numbers whose norm is outside of `[min_value, max_value]` are scaled towards it, by the part `rate` of the way:
/// `w · (rate · clip(‖w‖) + (1 − rate) · ‖w‖) / (‖w‖ + 1e-7)`, norms being taken along `axis`.
///
/// ```
/// use taper_nn::{MinMaxNorm, layers::Dense};
/// let layer = Dense::new(32).kernel_constraint(MinMaxNorm::new(0.5, 2.0).rate(0.9));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinMaxNorm {
    /// The smallest norm, 0 or more (default: 0).
    pub min_value: f64,
    /// The largest norm, not below the smallest (default: 1).
    pub max_value: f64,
    /// What part of the way is taken at a step, in [0, 1] (default: 1).
    pub rate: f64,
    /// The axes along which norms are taken (default: 0).
    pub axis: Axes,
}

impl Default for MinMaxNorm {
    fn default() -> Self {
        MinMaxNorm {
            min_value: 0.0,
            max_value: 1.0,
            rate: 1.0,
            axis: Axes::default(),
        }
    }
}

impl From<MinMaxNorm> for Constraint {
    fn from(constraint: MinMaxNorm) -> Self {
        Constraint::MinMaxNorm(constraint)
    }
}

impl MinMaxNorm {
    /// Norms from `min_value` to `max_value`, along the first axis.
    pub fn new(min_value: f64, max_value: f64) -> Self {
        MinMaxNorm {
            min_value,
            max_value,
            ..MinMaxNorm::default()
        }
    }

    /// The axes along which norms are taken (default: 0).
    pub fn axis(mut self, axes: impl Into<Axes>) -> Self {
        self.axis = axes.into();
        self
    }

    /// What part of the way is taken at a step, in [0, 1] (default: 1).
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    pub(super) fn check(&self, shape: &[usize]) -> Checked {
        setting::not_negative_in::<f32>("min_value", self.min_value)
            .and_then(|()| setting::not_negative_in::<f32>("max_value", self.max_value))
            .and_then(|()| setting::fraction("rate", self.rate))?;
        if self.min_value > self.max_value {
            let (least, most) = (self.min_value, self.max_value);
            return Err(format!(
                "min_value is {least:?}, it must not be above max_value, {most:?}"
            ));
        }
        self.axis.check(shape)
    }

    pub(super) fn apply<E: Element>(&self, weight: &mut Tensor<E>) {
        let factor = |norm: f64| {
            // Written so that a NaN is not lost.
            let within = match norm {
                small if small < self.min_value => self.min_value,
                large if large > self.max_value => self.max_value,
                between => between,
            };
            (self.rate * within + (1.0 - self.rate) * norm) / (EPSILON + norm)
        };
        self.axis.rescale(weight, factor);
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "MinMaxNorm",
        about: "norms from min_value to max_value",
        file: file!(),
        from_config: |config| Ok(setting::read::<MinMaxNorm>(config)?.into()),
        sample: |sampler| {
            MinMaxNorm::new(sampler.number(0.1, 0.5), sampler.number(0.5, 2.0)).into()
        },
    }
}
