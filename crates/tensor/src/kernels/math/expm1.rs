//! eˣ − 1: from eʳ − 1 and 2ⁿ, without the 1 in between.

use super::OfVectors;
use super::exp::{Exp, power_of_two, reduced};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Expm1;

/// From here on 1 is less than half of the last place of eˣ.
const FAR: f32 = 17.5;
/// Below its opposite the result is −1.
const LEAST: f32 = 18.0;
/// Nearer to 0 the result is x.
const NEAR: f32 = 2.980_232_2e-8; // 2⁻²⁵

impl OfVectors for Expm1 {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (one, least, far) = (simd.splat(1.0), simd.splat(-LEAST), simd.splat(FAR));
        let inside = simd.where_less(x, least, least, x);
        let inside = simd.where_less(far, inside, far, inside);
        let (above, n) = reduced(simd, inside);
        let scale = power_of_two(simd, n);
        let y = simd.add(simd.mul(scale, above), simd.sub(scale, one));
        let y = simd.where_less(far, x, Exp.of(simd, x), y);
        simd.where_less(simd.with_sign(x, one), simd.splat(NEAR), x, y)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Elu;

impl OfVectors for Elu {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        simd.where_less(simd.splat(0.0), x, x, Expm1.of(simd, x))
    }
}
