//! A sigmoid of three straight lines (Blondel, Martins, Niculae 2019): sparsemax of x and −x.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct SparseSigmoid;

impl OfNumbers for SparseSigmoid {
    const BENDS: &'static [f64] = &[-1.0, 1.0];
    const NAME: &'static str = "sparse_sigmoid";

    fn value<E: Element>(x: E) -> E {
        let y = (x + E::one()) * number(0.5);
        let y = if x <= -E::one() { E::zero() } else { y };
        if x >= E::one() { E::one() } else { y }
    }

    fn slope<E: Element>(x: E) -> E {
        if x > -E::one() && x < E::one() {
            number(0.5)
        } else {
            E::zero()
        }
    }
}
