//! Everything moves towards 0, as far as that; the threshold is Keras's default, ½.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct SoftShrink;

impl OfNumbers for SoftShrink {
    const BENDS: &'static [f64] = &[-0.5, 0.5];
    const NAME: &'static str = "soft_shrink";

    fn value<E: Element>(x: E) -> E {
        if x.abs() <= number(0.5) {
            E::zero()
        } else {
            x - number::<E>(0.5).copysign(x)
        }
    }

    fn slope<E: Element>(x: E) -> E {
        if x.abs() <= number(0.5) {
            E::zero()
        } else {
            E::one()
        }
    }
}
