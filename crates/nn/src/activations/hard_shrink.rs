//! What is near 0 becomes 0; the threshold is Keras's default, ½.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct HardShrink;

impl OfNumbers for HardShrink {
    const BENDS: &'static [f64] = &[-0.5, 0.5];
    const NAME: &'static str = "hard_shrink";

    fn value<E: Element>(x: E) -> E {
        if x.abs() <= number(0.5) { E::zero() } else { x }
    }

    fn slope<E: Element>(x: E) -> E {
        if x.abs() <= number(0.5) {
            E::zero()
        } else {
            E::one()
        }
    }
}
