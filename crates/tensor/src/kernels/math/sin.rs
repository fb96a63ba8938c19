//! Sine and cosine of every f32: x less a multiple of π/2, then a polynomial.

use super::doubles::{InDoubles, OfDoubles, ROUNDING, horner};
use super::{OfVectors, WIDEST};
use crate::simd::Simd;

/// The sine of x plus so many quarters of a turn.
#[derive(Clone, Copy)]
pub(super) struct Turned(u64);

/// For the table.
pub(super) const SIN: Turned = Turned(0);
/// For the table.
pub(super) const COS: Turned = Turned(1);

/// From here on π/2 has too few digits in `PARTS`.
const HUGE: f32 = 33_554_432.0; // 2²⁵
/// π/2 in three parts: products of the first two with integers of 26 bits are exact.
const PARTS: [f64; 3] = [
    1.570_796_325_802_803,
    9.920_935_739_593_517e-10,
    5.721_188_726_109_832e-18,
];
/// (sin r − r) / r³ of r² for |r| ≤ π/4: 2^−35.7 of sin r.
const SIN_OF: [f64; 4] = [
    -0.166_666_666_638_552_79,
    0.008_333_331_874_705_844,
    -0.000_198_400_867_330_270_43,
    2.724_992_549_733_465e-6,
];
/// (cos r − 1 + r² / 2) / r⁴ of r² for |r| ≤ π/4: 2^−39.5 of cos r.
const COS_OF: [f64; 4] = [
    0.041_666_666_664_321_19,
    -0.001_388_888_767_201_314_6,
    2.480_060_037_518_889e-5,
    -2.730_095_894_873_405_4e-7,
];

impl OfVectors for Turned {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let y = InDoubles(self).of(simd, x);
        let mut lanes = [0.0f32; WIDEST];
        simd.store(&mut lanes, x);
        let mut huge = false;
        for lane in &lanes[..S::LANES] {
            huge |= lane.abs() >= HUGE;
        }
        if huge {
            let mut values = [0.0f32; WIDEST];
            simd.store(&mut values, y);
            self.replace_huge(&lanes[..S::LANES], &mut values);
            return simd.load(&values);
        }
        y
    }
}

impl OfDoubles for Turned {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let rounded = x * std::f64::consts::FRAC_2_PI + ROUNDING;
        let n = rounded - ROUNDING;
        let r = x - n * PARTS[0] - n * PARTS[1] - n * PARTS[2];
        sine(r, rounded.to_bits().wrapping_add(self.0))
    }
}

impl Turned {
    #[cold]
    #[inline(never)]
    fn replace_huge(self, x: &[f32], y: &mut [f32]) {
        for (x, y) in x.iter().zip(y) {
            if x.abs() >= HUGE && x.is_finite() {
                let (r, quarters) = far_reduced(*x);
                *y = sine(r, quarters.wrapping_add(self.0)) as f32;
            }
        }
    }
}

/// The sine of r plus so many quarters of a turn, of which the lowest two bits count.
#[inline(always)]
fn sine(r: f64, quarters: u64) -> f64 {
    let square = r * r;
    let sine = r * (1.0 + square * horner(square, SIN_OF));
    let cosine = 1.0 - square * (0.5 - square * horner(square, COS_OF));
    let value = if quarters & 1 == 0 { sine } else { cosine };
    f64::from_bits(value.to_bits() ^ (quarters & 2) << 62)
}

/// 2 / π in binary, as far as the largest f32 needs it.
const TWO_OVER_PI: [u64; 4] = [
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
];

/// What is left of a finite |x| ≥ 2²⁵ beyond so many quarters of a turn, of which the lowest two bits are right (Payne,
/// Hanek 1983): the digits of 2 / π whose products with x are multiples of 4 are left out, and 128 of the others will do,
/// because no f32 is nearer than 2⁻³⁰ to a multiple of π/2.
fn far_reduced(x: f32) -> (f64, u64) {
    let bits = x.to_bits();
    let whole = u128::from(bits & 0x007f_ffff | 0x0080_0000); // |x| = whole · 2^(skipped + 2)
    let skipped = (bits >> 23 & 255) - 152;
    let (word, shift) = ((skipped / 64) as usize, skipped % 64);
    let [a, b, c] = [0, 1, 2].map(|i| u128::from(TWO_OVER_PI[word + i]));
    let digits = (a << 64 | b) << shift | c << shift >> 64;
    // In units of 2⁻¹²⁶ quarters, modulo 4 of them.
    let product = whole.wrapping_mul(digits);
    let quarters = product.wrapping_add(1 << 125) >> 126;
    let rest = product.wrapping_sub(quarters << 126) as i128;
    let r = rest as f64 * (std::f64::consts::FRAC_PI_2 / (1u128 << 126) as f64);
    if x < 0.0 {
        (-r, (quarters as u64).wrapping_neg())
    } else {
        (r, quarters as u64)
    }
}
