//! What the standard library lacks, of any float: what f64 computes with.

use crate::scalar::Scalar;

pub(super) fn sigmoid<E: Scalar>(x: E) -> E {
    let small = (-x.abs()).exp(); // never above 1
    let numerator = if x < E::zero() { small } else { E::one() };
    numerator / (E::one() + small)
}

/// At −∞ the limit, not −∞ · 0.
pub(super) fn silu<E: Scalar>(x: E) -> E {
    if x == E::neg_infinity() {
        return E::zero();
    }
    x * sigmoid(x)
}

pub(super) fn silu_slope<E: Scalar>(x: E) -> E {
    if x.is_infinite() {
        return sigmoid(x);
    }
    sigmoid(x) * (E::one() + x * sigmoid(-x))
}

/// NaN comes through the second part.
pub(super) fn softplus<E: Scalar>(x: E) -> E {
    x.max(E::zero()) + (-x.abs()).exp().ln_1p()
}
