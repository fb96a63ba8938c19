//! A softplus that is 0 and x at its ends; its slope is `sparse_sigmoid`.

use super::{OfNumbers, number};
use taper_tensor::Element;

pub(super) struct SparsePlus;

impl OfNumbers for SparsePlus {
    const BENDS: &'static [f64] = &[-1.0, 1.0];
    const NAME: &'static str = "sparse_plus";

    fn value<E: Element>(x: E) -> E {
        let above = x + E::one();
        let y = above * above * number(0.25);
        let y = if x <= -E::one() { E::zero() } else { y };
        if x >= E::one() { x } else { y }
    }

    fn slope<E: Element>(x: E) -> E {
        super::sparse_sigmoid::SparseSigmoid::value(x)
    }
}
