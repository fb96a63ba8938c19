//! Norms of at most a bound (Srivastava et al. 2014, beside dropout).

use super::{Axes, Constraint, EPSILON, Row};
use crate::setting::{self, Checked};
use serde::{Deserialize, Serialize};
use taper_tensor::{Element, Tensor};

/// Numbers whose norm is more than `max_value` are scaled down to it: `w · min(‖w‖, max_value) / (‖w‖ + 1e-7)`, norms being
/// taken along `axis`.
///
/// ```
/// use taper_nn::{MaxNorm, layers::Conv2D};
/// let layer = Conv2D::new(32, 3).kernel_constraint(MaxNorm::new(2.0).axis([0, 1, 2]));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaxNorm {
    /// The largest norm, 0 or more (default: 2).
    pub max_value: f64,
    /// The axes along which norms are taken (default: 0).
    pub axis: Axes,
}

impl Default for MaxNorm {
    fn default() -> Self {
        MaxNorm {
            max_value: 2.0,
            axis: Axes::default(),
        }
    }
}

impl From<MaxNorm> for Constraint {
    fn from(constraint: MaxNorm) -> Self {
        Constraint::MaxNorm(constraint)
    }
}

impl MaxNorm {
    /// Norms of at most `max_value`, along the first axis.
    pub fn new(max_value: f64) -> Self {
        MaxNorm {
            max_value,
            ..MaxNorm::default()
        }
    }

    /// The axes along which norms are taken (default: 0).
    pub fn axis(mut self, axes: impl Into<Axes>) -> Self {
        self.axis = axes.into();
        self
    }

    pub(super) fn check(&self, shape: &[usize]) -> Checked {
        setting::not_negative_in::<f32>("max_value", self.max_value)
            .and_then(|()| self.axis.check(shape))
    }

    pub(super) fn apply<E: Element>(&self, weight: &mut Tensor<E>) {
        let most = self.max_value;
        // Written so that a NaN is not lost.
        let factor = |norm: f64| if norm > most { most } else { norm } / (EPSILON + norm);
        self.axis.rescale(weight, factor);
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "MaxNorm",
        about: "norms of at most max_value",
        file: file!(),
        from_config: |config| Ok(setting::read::<MaxNorm>(config)?.into()),
        sample: |sampler| MaxNorm::new(sampler.number(0.1, 2.0)).into(),
    }
}
