//! Norms of 1.

use super::{Axes, Constraint, EPSILON, Row};
use crate::setting::{self, Checked};
use serde::{Deserialize, Serialize};
use taper_tensor::{Element, Tensor};

/// Numbers are divided by their norm: `w / (‖w‖ + 1e-7)`, norms being taken along `axis`.
///
/// ```
/// use taper_nn::{UnitNorm, layers::Dense};
/// let layer = Dense::new(32).kernel_constraint(UnitNorm::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnitNorm {
    /// The axes along which norms are taken (default: 0).
    pub axis: Axes,
}

impl From<UnitNorm> for Constraint {
    fn from(constraint: UnitNorm) -> Self {
        Constraint::UnitNorm(constraint)
    }
}

impl UnitNorm {
    /// The axes along which norms are taken (default: 0).
    pub fn axis(mut self, axes: impl Into<Axes>) -> Self {
        self.axis = axes.into();
        self
    }

    pub(super) fn check(&self, shape: &[usize]) -> Checked {
        self.axis.check(shape)
    }

    pub(super) fn apply<E: Element>(&self, weight: &mut Tensor<E>) {
        self.axis.rescale(weight, |norm| 1.0 / (EPSILON + norm));
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "UnitNorm",
        about: "norms of 1",
        file: file!(),
        from_config: |config| Ok(setting::read::<UnitNorm>(config)?.into()),
        sample: |sampler| {
            UnitNorm::default()
                .axis(if sampler.coin() { 0 } else { -1 })
                .into()
        },
    }
}
