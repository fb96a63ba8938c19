//! Relu that ends at 6 (Krizhevsky 2010).

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct Relu6;

impl OfNumbers for Relu6 {
    const BENDS: &'static [f64] = &[0.0, 6.0];
    const NAME: &'static str = "relu6";

    fn value<E: Element>(x: E) -> E {
        let x = if x < E::zero() { E::zero() } else { x };
        if x > number(6.0) { number(6.0) } else { x }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > E::zero() && x < number(6.0) {
            E::one()
        } else {
            E::zero()
        }
    }
}
