//! A hyperbolic tangent of three straight lines.

use super::OfNumbers;
use taper_tensor::Element;

pub(super) struct HardTanh;

impl OfNumbers for HardTanh {
    const BENDS: &'static [f64] = &[-1.0, 1.0];
    const NAME: &'static str = "hard_tanh";

    fn value<E: Element>(x: E) -> E {
        let x = if x < -E::one() { -E::one() } else { x };
        if x > E::one() { E::one() } else { x }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > -E::one() && x < E::one() {
            E::one()
        } else {
            E::zero()
        }
    }
}
