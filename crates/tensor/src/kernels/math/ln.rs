//! ln x = k · ln 2 + ln(1 + f) with 1 + f between √½ and √2: the second by a polynomial.

use super::exp::LN_2;
use super::{OfVectors, polynomial};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Ln;

/// (ln(1 + f) − f + f² / 2) / f³ for √½ ≤ 1 + f ≤ √2: 2^−30.3 of ln(1 + f).
const LN: [f32; 9] = [
    0.333_333_13,
    -0.250_000_1,
    0.200_020_72,
    -0.166_679_86,
    0.142_203_52,
    -0.124_063_164,
    0.118_837_23,
    -0.116_695_456,
    0.067_480_296,
];
/// A subnormal number times this is a normal one.
const UP: f32 = 8_388_608.0; // 2²³

impl OfVectors for Ln {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (zero, normal) = (simd.splat(0.0), simd.splat(f32::MIN_POSITIVE));
        let up = simd.mul(x, simd.splat(UP));
        let down = simd.where_less(x, normal, simd.splat(-23.0), zero);
        let (k, f) = split(simd, simd.where_less(x, normal, up, x));
        let y = of_split(simd, simd.add(k, down), f, zero);
        at_the_ends(simd, x, y)
    }
}

/// k and f of a positive normal number.
#[inline(always)]
pub(super) fn split<S: Simd>(simd: S, x: S::V) -> (S::V, S::V) {
    let (exponent, fraction) = simd.exponent_and_fraction(x);
    let (one, most) = (simd.splat(1.0), simd.splat(std::f32::consts::SQRT_2));
    let half = simd.mul(fraction, simd.splat(0.5));
    let k = simd.where_less(most, fraction, simd.add(exponent, one), exponent);
    (
        k,
        simd.sub(simd.where_less(most, fraction, half, fraction), one),
    )
}

/// k · ln 2 + ln(1 + f) + what is to be added to that, which is small.
#[inline(always)]
pub(super) fn of_split<S: Simd>(simd: S, k: S::V, f: S::V, small: S::V) -> S::V {
    let square = simd.mul(f, f);
    let cube = simd.mul(f, square);
    let tail = simd.mul(cube, polynomial(simd, f, LN));
    let tail = simd.add(tail, simd.add(simd.mul(k, simd.splat(LN_2[1])), small));
    let tail = simd.sub(tail, simd.mul(square, simd.splat(0.5)));
    simd.add(simd.mul(k, simd.splat(LN_2[0])), simd.add(f, tail))
}

/// `y`, the logarithm of `x`, where that is an ordinary positive number; −∞ of 0, ∞ of ∞, NaN of NaN and below 0.
#[inline(always)]
pub(super) fn at_the_ends<S: Simd>(simd: S, x: S::V, y: S::V) -> S::V {
    let (infinity, least) = (f32::INFINITY, f32::from_bits(1));
    let y = simd.where_less(x, simd.splat(infinity), y, x);
    let y = simd.where_less(x, simd.splat(least), simd.splat(-infinity), y);
    simd.where_less(x, simd.splat(0.0), simd.splat(f32::NAN), y)
}
