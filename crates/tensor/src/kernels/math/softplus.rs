//! ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), in which nothing overflows and small values keep their digits.

use super::OfVectors;
use super::exp::Exp;
use super::log1p::Log1p;
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl OfVectors for Softplus {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let zero = simd.splat(0.0);
        let small = Exp.of(simd, simd.with_sign(x, simd.splat(-0.0)));
        let positive = simd.where_less(zero, x, x, zero);
        let y = simd.add(positive, Log1p.of(simd, small));
        // A sum of two NaN is one or the other, by the set.
        simd.where_less(x, simd.splat(f32::INFINITY), y, simd.add(x, x))
    }
}
