//! A softplus of a square root (Barron 2021), with Keras's default of b, 4.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct Squareplus;

impl OfNumbers for Squareplus {
    const BENDS: &'static [f64] = &[];
    const NAME: &'static str = "squareplus";

    fn value<E: Element>(x: E) -> E {
        let root = root(x);
        // Below 0 the sum would lose its digits.
        if x < E::zero() {
            number::<E>(2.0) / (root - x)
        } else {
            x * number(0.5) + root * number(0.5)
        }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > number(FAR) {
            E::one()
        } else {
            Self::value(x) / root(x)
        }
    }
}

/// From here on 4 counts for nothing beside x², which may be larger than any number.
const FAR: f64 = 1e10;

/// √(x² + 4)
fn root<E: Element>(x: E) -> E {
    if x.abs() > number(FAR) {
        x.abs()
    } else {
        (x * x + number(4.0)).sqrt()
    }
}
