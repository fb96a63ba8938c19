//! 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows.

use super::OfVectors;
use super::exp::{FINE, factors};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl OfVectors for Sigmoid {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let (first, second, rest) = factors(simd, simd.with_sign(x, simd.splat(-0.0)), FINE);
        let small = simd.mul(first, second);
        let numerator = simd.where_less(x, zero, small, one);
        let lacks = simd.where_less(x, zero, rest, zero);
        share(simd, (numerator, lacks), (small, rest))
    }
}

/// numerator / (1 + small) for 0 ≤ small ≤ 1, each with the share of itself that it lacks; what the sum rounds is made good,
/// too.
#[inline(always)]
pub(super) fn share<S: Simd>(
    simd: S,
    (numerator, lacks): (S::V, S::V),
    (small, rest): (S::V, S::V),
) -> S::V {
    let one = simd.splat(1.0);
    let sum = simd.add(one, small);
    let lost = simd.sub(small, simd.sub(sum, one));
    let lost = simd.add(lost, simd.mul(small, rest));
    let quotient = simd.div(numerator, sum);
    // 1 / sum without another division, to the few digits that count: 1 − small / 2 up to a sixth.
    let inverse = simd.sub(one, simd.mul(small, simd.splat(0.5)));
    let correction = simd.sub(lacks, simd.mul(lost, inverse));
    simd.add(quotient, simd.mul(quotient, correction))
}
