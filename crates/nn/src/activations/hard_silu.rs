//! Silu with a hard sigmoid (Howard and others 2019), also called hard swish.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct HardSilu;

impl OfNumbers for HardSilu {
    const BENDS: &'static [f64] = &[-3.0, 3.0];
    const NAME: &'static str = "hard_silu";

    fn value<E: Element>(x: E) -> E {
        let y = x * (x / number(6.0) + number(0.5));
        let y = if x <= number(-3.0) { E::zero() } else { y };
        if x >= number(3.0) { x } else { y }
    }

    fn slope<E: Element>(x: E) -> E {
        let slope = x / number(3.0) + number(0.5);
        let slope = if x <= number(-3.0) { E::zero() } else { slope };
        if x >= number(3.0) { E::one() } else { slope }
    }
}
