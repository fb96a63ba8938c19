//! ln(1 + x): as ln, of 1 + x and what its rounding lost.

use super::OfVectors;
use super::ln::{at_the_ends, of_split, split};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Log1p;

/// Below it the result is x.
const NEAR: f32 = 2.980_232_2e-8; // 2⁻²⁵

impl OfVectors for Log1p {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let sum = simd.add(x, one);
        let (k, f) = split(simd, sum);
        // What the sum lost, exactly: of the larger of the two nothing is lost.
        let of_x = simd.sub(x, simd.sub(sum, one));
        let of_one = simd.sub(one, simd.sub(sum, x));
        let lost = simd.div(simd.where_less(one, x, of_one, of_x), sum);
        // Without a power of two between them, f is x itself.
        let size = simd.with_sign(k, one);
        let (least, most) = (simd.splat(0.5), size);
        let f = simd.where_less(most, least, x, f);
        let lost = simd.where_less(most, least, zero, lost);
        let y = at_the_ends(simd, sum, of_split(simd, k, f, lost));
        simd.where_less(simd.with_sign(x, one), simd.splat(NEAR), x, y)
    }
}
