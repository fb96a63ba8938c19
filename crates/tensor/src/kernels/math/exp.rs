//! eˣ = 2ⁿ · eʳ with n the integer nearest x / ln 2: eʳ by a polynomial, 2ⁿ by its bits.

use super::{OfVectors, polynomial};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Exp;

/// Adding it to a number below 2²² leaves the nearest integer in the lowest bits.
const ROUNDING: f32 = 12_582_912.0; // 1.5 · 2²³
/// The exponent's bias on top.
const BIASED: f32 = ROUNDING + 127.0;
/// ln 2 in two parts: products of the first with integers of nine bits are exact.
pub(super) const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2: 2^−28.2 of eʳ.
const EXP: [f32; 5] = [
    0.499_999_94,
    0.166_665_21,
    0.041_668_292,
    0.008_368_716,
    0.001_381_869_9,
];
/// The same to 2^−33.2, for what cannot spare the tenth of a unit that `EXP` lacks.
pub(super) const FINE: [f32; 6] = [
    0.5,
    0.166_666_66,
    0.041_666_46,
    0.008_333_564,
    0.001_393_545_1,
    0.000_197_461_18,
];

impl OfVectors for Exp {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (first, second, _) = factors(simd, x, EXP);
        simd.mul(first, second)
    }
}

/// Two numbers that have all digits of eˣ, and whose product it is: that alone can be inexact, where it is subnormal. And
/// what they lack of eˣ as a share of it, to a digit.
#[inline(always)]
pub(super) fn factors<S: Simd, const N: usize>(
    simd: S,
    x: S::V,
    curve: [f32; N],
) -> (S::V, S::V, S::V) {
    // Beyond these the result is 0 or ∞ all the same, that of x · eˣ too, and n has a place in the bits. NaN passes both.
    let (low, high) = (simd.splat(-120.0), simd.splat(89.0));
    let x = simd.where_less(x, low, low, x);
    let x = simd.where_less(high, x, high, x);
    let (r, lost, n) = rest(simd, x);
    let curve = bent(simd, r, curve);
    let above = simd.add(r, curve);
    let lost = simd.add(lost, simd.sub(curve, simd.sub(above, r)));
    let one = simd.splat(1.0);
    let power = simd.add(above, one);
    let lost = simd.add(lost, simd.sub(above, simd.sub(power, one)));
    // 1 / power for 0.7 to 1.42.
    let inverse = simd.sub(one, simd.mul(above, simd.sub(one, above)));
    // 2ⁿ in two factors, because n reaches from −173 to 128.
    let biased = simd.splat(BIASED);
    let half = simd.add(simd.mul(n, simd.splat(0.5)), biased);
    let other = simd.add(simd.sub(n, simd.sub(half, biased)), biased);
    let power = simd.mul(power, simd.low_bits_to_exponent(half));
    (
        power,
        simd.low_bits_to_exponent(other),
        simd.mul(lost, inverse),
    )
}

/// eˣ for −87 < x < 88: one factor of 2ⁿ will do.
#[inline(always)]
pub(super) fn moderate<S: Simd>(simd: S, x: S::V) -> S::V {
    let (above, n) = reduced(simd, x);
    simd.mul(simd.add(above, simd.splat(1.0)), power_of_two(simd, n))
}

/// 2ⁿ for integers −126 ≤ n ≤ 127.
#[inline(always)]
pub(super) fn power_of_two<S: Simd>(simd: S, n: S::V) -> S::V {
    simd.low_bits_to_exponent(simd.add(n, simd.splat(BIASED)))
}

/// eʳ − 1 and n.
#[inline(always)]
pub(super) fn reduced<S: Simd>(simd: S, x: S::V) -> (S::V, S::V) {
    let (r, _, n) = rest(simd, x);
    (simd.add(r, bent(simd, r, EXP)), n)
}

/// r = x − n · ln 2, what its rounding lost, and n.
#[inline(always)]
fn rest<S: Simd>(simd: S, x: S::V) -> (S::V, S::V, S::V) {
    let rounding = simd.splat(ROUNDING);
    let n = simd.mul(x, simd.splat(std::f32::consts::LOG2_E));
    let n = simd.sub(simd.add(n, rounding), rounding);
    let exact = simd.sub(x, simd.mul(n, simd.splat(LN_2[0])));
    let small = simd.mul(n, simd.splat(LN_2[1]));
    let r = simd.sub(exact, small);
    (r, simd.sub(simd.sub(exact, r), small), n)
}

/// eʳ − 1 − r.
#[inline(always)]
fn bent<S: Simd, const N: usize>(simd: S, r: S::V, curve: [f32; N]) -> S::V {
    simd.mul(simd.mul(r, r), polynomial(simd, r, curve))
}
