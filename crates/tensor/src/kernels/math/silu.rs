//! x · σ(x), and its slope σ(x) · (1 + x · σ(−x)), both from e^−|x|.

use super::OfVectors;
use super::exp::{FINE, factors};
use super::sigmoid::share;
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Silu;

/// Where e^−|x| is 0 in f32: products with it there are the limit, and none with ∞ is NaN.
const MOST: f32 = 115.0;

impl OfVectors for Silu {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (zero, least) = (simd.splat(0.0), simd.splat(-MOST));
        // `max` gives its second where the first is NaN, so that the only NaN below is x.
        let (first, second, rest) = factors(
            simd,
            simd.max(simd.with_sign(x, simd.splat(-0.0)), least),
            FINE,
        );
        let low = simd.where_less(x, least, least, x);
        // One factor after the other: e^x alone may have lost its digits.
        let below = simd.mul(simd.mul(low, first), second);
        let numerator = simd.where_less(x, zero, below, low);
        let lacks = simd.where_less(x, zero, rest, zero);
        let small = simd.mul(first, second);
        let y = share(simd, (numerator, lacks), (small, rest));
        // What the sum lost of ∞ is no number.
        simd.where_less(simd.splat(MOST), x, x, y)
    }
}

#[derive(Clone, Copy)]
pub(super) struct SiluSlope;

impl OfVectors for SiluSlope {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let (least, most) = (simd.splat(-MOST), simd.splat(MOST));
        let (first, second, rest) = factors(
            simd,
            simd.max(simd.with_sign(x, simd.splat(-0.0)), least),
            FINE,
        );
        let small = simd.mul(first, second);
        let large_share = share(simd, (one, zero), (small, rest));
        let small_share = simd.mul(small, large_share);
        let here = simd.where_less(x, zero, small_share, large_share);
        let there = simd.where_less(x, zero, large_share, small_share);
        let inside = simd.where_less(x, least, least, x);
        let inside = simd.where_less(most, inside, most, inside);
        let y = simd.mul(here, simd.add(one, simd.mul(inside, there)));
        // A product of two NaN is one or the other, by the set; of x alone no doubt is left.
        simd.where_less(simd.with_sign(x, simd.splat(-0.0)), one, y, simd.add(x, x))
    }
}
