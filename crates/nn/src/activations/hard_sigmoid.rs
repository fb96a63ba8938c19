//! A sigmoid of three straight lines.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct HardSigmoid;

impl OfNumbers for HardSigmoid {
    const BENDS: &'static [f64] = &[-3.0, 3.0];
    const NAME: &'static str = "hard_sigmoid";

    fn value<E: Element>(x: E) -> E {
        let y = x / number(6.0) + number(0.5);
        let y = if x <= number(-3.0) { E::zero() } else { y };
        if x >= number(3.0) { E::one() } else { y }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > number(-3.0) && x < number(3.0) {
            number(1.0 / 6.0)
        } else {
            E::zero()
        }
    }
}
