//! A sigmoid that goes to its ends slowly.

use super::OfNumbers;
use taper_tensor::Element;

pub(super) struct Softsign;

impl OfNumbers for Softsign {
    const BENDS: &'static [f64] = &[];
    const NAME: &'static str = "softsign";

    fn value<E: Element>(x: E) -> E {
        if x.is_infinite() {
            x.signum()
        } else {
            x / (E::one() + x.abs())
        }
    }

    fn slope<E: Element>(x: E) -> E {
        let share = E::one() / (E::one() + x.abs());
        share * share
    }
}
