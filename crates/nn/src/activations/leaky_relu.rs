//! Relu with a slope of 0.2 below 0 (Maas, Hannun, Ng 2013), as is Keras's default.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct LeakyRelu;

impl OfNumbers for LeakyRelu {
    const BENDS: &'static [f64] = &[0.0];
    const NAME: &'static str = "leaky_relu";

    fn value<E: Element>(x: E) -> E {
        if x > E::zero() { x } else { x * number(0.2) }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > E::zero() { E::one() } else { number(0.2) }
    }
}
