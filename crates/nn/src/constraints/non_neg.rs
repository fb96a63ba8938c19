//! No number below 0.

use super::{Constraint, Row};
use crate::setting;
use serde::Deserialize;
use taper_tensor::{Element, Tensor};

/// Numbers below 0 become 0.
///
/// ```
/// use taper_nn::{NonNeg, layers::Dense};
/// let layer = Dense::new(32).bias_constraint(NonNeg);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonNeg;

impl From<NonNeg> for Constraint {
    fn from(_: NonNeg) -> Self {
        Constraint::NonNeg
    }
}

impl NonNeg {
    pub(super) fn apply<E: Element>(self, weight: &mut Tensor<E>) {
        // A NaN is not below 0.
        weight.map_in_place(|w| if w < E::zero() { E::zero() } else { w });
    }
}

pub(super) fn row() -> Row {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Row {
        class_name: "NonNeg",
        about: "no number below 0",
        file: file!(),
        from_config: |config| setting::read::<Nothing>(config).map(|_| NonNeg.into()),
        sample: |_| NonNeg.into(),
    }
}
