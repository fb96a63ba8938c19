//! xʸ = 2^(y · log₂ x), in f64, which has digits enough for the product: y · log₂ x reaches 150, and its error is below 2⁻³⁶.

use super::doubles::{
    InDoubles, ONE, OfDoubles, ROUNDING, above_and_scale, at_most, horner, narrowed,
};
use super::{Between, InPlace};
use crate::simd::{InstructionSet, run_on, selected};

/// xʸ for a y that is the same for every x.
///
/// As C's Annex F has it: 1 where y is 0 or x is 1, even if the other one is NaN; NaN of a negative finite x unless y is
/// whole; −0 and −∞ for odd y only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power(pub f32);

impl Power {
    /// What its error never reaches, in units of the last place: as [`Function::bound`](super::Function::bound).
    pub const BOUND: f64 = 0.6;

    /// Replaces every value by the power of it, on a given instruction set, or on the portable one where the machine lacks
    /// it: to compare them.
    pub fn apply_in_place_on(self, set: InstructionSet, x: &mut [f32]) {
        run_on(set, InPlace(InDoubles(self), x));
    }

    /// Replaces every value by the power of it.
    pub fn apply_in_place(self, x: &mut [f32]) {
        self.apply_in_place_on(selected(), x);
    }

    /// The power of every value of `x`, written to `y`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn apply(self, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "pow: lengths");
        run_on(selected(), Between(InDoubles(self), x, y));
    }
}

impl OfDoubles for Power {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        in_doubles(x, f64::from(self.0))
    }
}

/// xʸ of two numbers, to the bits of [`Power`].
#[inline]
pub fn pow(x: f32, y: f32) -> f32 {
    narrowed(in_doubles(f64::from(x), f64::from(y)))
}

/// log₂((1 + s) / (1 − s)) / s of s², for a quotient between √½ and √2: 2^−43.
const LOG_2: [f64; 6] = [
    2.885_390_081_777_851,
    0.961_796_694_112_265_8,
    0.577_077_942_660_004_1,
    0.412_209_224_093_795_2,
    0.319_906_803_777_912_3,
    0.282_885_044_999_610_3,
];
/// The bits of √½.
const LEAST_FRACTION: u64 = 0x3fe6_a09e_667f_3bcd;
/// An integer below 2⁵² in the bits of this number is added to it.
const INTEGER: f64 = 4_503_599_627_370_496.0; // 2⁵²
/// Stands for the logarithm of ∞ and, with a sign, of 0, so that 0 times it is 0.
const ENDLESS: f64 = 1e200;

#[inline(always)]
fn in_doubles(x: f64, y: f64) -> f64 {
    let size = log_2(x.abs());
    // ∞ times the logarithm of 1 is 0 here. Beyond 400 the result is 0 or ∞ in f32.
    let exponent = at_most(at_most(y, 1e50) * size, 400.0);
    let rounded = exponent + ROUNDING;
    let r = (exponent - (rounded - ROUNDING)) * std::f64::consts::LN_2;
    let (above, scale) = above_and_scale(r, rounded);
    let value = (1.0 + above) * scale;

    // Every f32 from 2²⁴ on is an even number.
    let whole = at_most(y.abs(), 16_777_216.0) + INTEGER;
    let odd = whole.to_bits() & 1;
    let is_whole = whole - INTEGER == at_most(y.abs(), 16_777_216.0);
    let negative = x.to_bits() >> 63;
    let odd = if is_whole { odd } else { 0 };
    let value = f64::from_bits(value.to_bits() | (negative & odd) << 63);
    let finite = x < 0.0 && x > f64::NEG_INFINITY;
    let value = if finite & !is_whole { f64::NAN } else { value };
    let value = if x.is_nan() | y.is_nan() {
        x + y
    } else {
        value
    };
    if (x == 1.0) | (y == 0.0) { 1.0 } else { value }
}

/// log₂ of a size in f32.
#[inline(always)]
fn log_2(size: f64) -> f64 {
    let bits = size.to_bits();
    let biased = bits.wrapping_sub(LEAST_FRACTION).wrapping_add(ONE) >> 52;
    let fraction = f64::from_bits(bits.wrapping_sub(biased << 52).wrapping_add(ONE));
    let k = f64::from_bits(biased | INTEGER.to_bits()) - (INTEGER + 1023.0);
    let s = (fraction - 1.0) / (fraction + 1.0);
    let log = k + s * horner(s * s, LOG_2);
    let log = if size == 0.0 { -ENDLESS } else { log };
    if size == f64::INFINITY { ENDLESS } else { log }
}
