//! Functions of f32 that go through f64, lane by lane: where f32 alone lacks the digits, as in e^(−x²), xʸ and the sine of a
//! million. They round to f32 once, so that their errors stay next to half a unit of the last place.
//!
//! The functions have no branches, and the compiler turns the loop over the lanes into vectors of f64; additions, products
//! and quotients are rounded as IEEE 754 says in those as well, so that the bits are the same everywhere.

use super::{OfVectors, WIDEST};
use crate::simd::Simd;
pub(super) use crate::steady::{ONE, ROUNDING, horner};

/// A function of one f32, in f64. `#[inline(always)]`, and without branches.
pub(super) trait OfDoubles: Copy {
    fn of(self, x: f64) -> f64;
}

/// A function of vectors made of one of f64.
#[derive(Clone, Copy)]
pub(super) struct InDoubles<F>(pub(super) F);

impl<F: OfDoubles> OfVectors for InDoubles<F> {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let mut lanes = [0.0f32; WIDEST];
        simd.store(&mut lanes, x);
        for lane in &mut lanes[..S::LANES] {
            *lane = narrowed(self.0.of(f64::from(*lane)));
        }
        simd.load(&lanes)
    }
}

/// In f32. A NaN is always the same one: which of two a sum takes over differs from one set to the next.
#[inline(always)]
pub(super) fn narrowed(x: f64) -> f32 {
    if x.is_nan() { f32::NAN } else { x as f32 }
}

/// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2: 2^−32.5 of eʳ.
const EXP: [f64; 6] = [
    0.500_000_001_345_780_8,
    0.166_666_666_816_143_45,
    0.041_666_465_005_232_63,
    0.008_333_310_934_359_203,
    0.001_393_364_112_162_546_2,
    0.000_198_909_809_692_946_06,
];

/// eˣ − 1 as `scale · above + (scale − 1)`: `above` and `scale`, a power of two. For |x| ≤ 700.
#[inline(always)]
pub(super) fn exp_parts(x: f64) -> (f64, f64) {
    let rounded = x * std::f64::consts::LOG2_E + ROUNDING;
    above_and_scale(x - (rounded - ROUNDING) * std::f64::consts::LN_2, rounded)
}

/// eʳ − 1, and 2ⁿ of n + `ROUNDING`.
#[inline(always)]
pub(super) fn above_and_scale(r: f64, rounded: f64) -> (f64, f64) {
    let scale = f64::from_bits((rounded.to_bits() << 52).wrapping_add(ONE));
    (r + r * r * horner(r, EXP), scale)
}

/// eˣ to 2⁻³² of it, for |x| ≤ 700.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (above, scale) = exp_parts(x);
    (1.0 + above) * scale
}

/// `x`, but at most `most` in size, which has no sign. NaN stays NaN.
#[inline(always)]
pub(super) fn at_most(x: f64, most: f64) -> f64 {
    let x = if x > most { most } else { x };
    if x < -most { -most } else { x }
}
