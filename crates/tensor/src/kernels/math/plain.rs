//! What the standard library lacks, of any float: what f64 computes with.

use super::doubles::horner;
use super::gelu_tanh::{CURVE, LINE};
use super::selu::{LEAST, SCALE};
use crate::scalar::Scalar;

pub(super) fn sigmoid<E: Scalar>(x: E) -> E {
    let small = (-x.abs()).exp(); // never above 1
    let numerator = if x < E::zero() { small } else { E::one() };
    numerator / (E::one() + small)
}

/// At −∞ the limit, not −∞ · 0.
pub(super) fn silu<E: Scalar>(x: E) -> E {
    if x == E::neg_infinity() {
        return E::zero();
    }
    x * sigmoid(x)
}

pub(super) fn silu_slope<E: Scalar>(x: E) -> E {
    if x.is_infinite() {
        return sigmoid(x);
    }
    sigmoid(x) * (E::one() + x * sigmoid(-x))
}

/// NaN comes through the second part.
pub(super) fn softplus<E: Scalar>(x: E) -> E {
    x.max(E::zero()) + (-x.abs()).exp().ln_1p()
}

/// Nearer to 0 than this `erf` is x times a polynomial of x².
const NEAR: f64 = 0.75;
/// 2^−66 of erf x / x.
const NEARLY: [f64; 12] = [
    std::f64::consts::FRAC_2_SQRT_PI,
    -0.376_126_389_031_837_54,
    0.112_837_916_709_550_87,
    -0.026_866_170_645_118_446,
    0.005_223_977_625_222_192,
    -0.000_854_832_700_113_594_6,
    0.000_120_553_315_452_941_16,
    -1.492_558_938_382_114_2e-5,
    1.646_038_320_985_813_2e-6,
    -1.633_322_934_343_35e-7,
    1.441_387_928_909_360_3e-8,
    -9.502_840_894_770_297e-10,
];
/// Where `TAIL` is at its middle.
const MIDDLE: f64 = 4.5;
/// (y + 4.5) · e^(y² / 2) · P(X > y) as a polynomial of (y − 4.5) / (y + 4.5) for all y ≥ 0: 2^−54 of it.
const TAIL: [f64; 24] = [
    0.763_230_528_970_203_2,
    -0.640_257_760_252_617,
    0.446_452_517_055_673_07,
    -0.253_141_799_950_970_97,
    0.111_382_596_570_440_36,
    -0.033_871_326_177_007_06,
    0.004_223_613_376_672_907_5,
    0.001_748_830_564_744_266_2,
    -0.000_917_746_476_328_532_1,
    6.381_183_730_201_289e-6,
    0.000_112_042_602_483_788_98,
    -1.593_327_394_398_244_6e-5,
    -1.423_569_869_049_837e-5,
    3.190_872_911_471_409e-6,
    2.142_650_467_360_165_4e-6,
    -5.017_055_586_970_43e-7,
    -3.792_301_420_584_739_4e-7,
    6.377_401_661_472_941e-8,
    7.057_937_056_023_936e-8,
    -4.573_022_534_394_626e-9,
    -1.124_172_007_040_227_7e-8,
    -3.726_262_257_045_614_5e-10,
    1.042_286_325_462_570_1e-9,
    1.110_603_186_199_718_4e-10,
];

/// The probability that a standard normal number is above `y` ≥ 0.
fn tail(y: f64) -> f64 {
    if y > 40.0 {
        return 0.0;
    }
    // The square of 27 bits of y is exact, and the rest of the exponent small.
    let high = f64::from_bits(y.to_bits() & !0x03ff_ffff);
    let power = (-0.5 * high * high).exp() * (-0.5 * (y - high) * (y + high)).exp();
    let t = (y - MIDDLE) / (y + MIDDLE);
    power * horner(t, TAIL) / (y + MIDDLE)
}

/// The standard normal distribution.
fn normal(x: f64) -> f64 {
    if x < 0.0 { tail(-x) } else { 1.0 - tail(x) }
}

pub(super) fn erf(x: f64) -> f64 {
    if x.abs() <= NEAR {
        x * horner(x * x, NEARLY)
    } else {
        (1.0 - 2.0 * tail(x.abs() * std::f64::consts::SQRT_2)).copysign(x)
    }
}

/// At −∞ the limit, not −∞ · 0.
pub(super) fn gelu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return -0.0;
    }
    x * normal(x)
}

pub(super) fn gelu_slope(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() * 0.398_942_280_401_432_7; // 1 / √2π
    normal(x) + if density == 0.0 { 0.0 } else { x * density }
}

/// What the sigmoid of `gelu_tanh` sees, and the slope of that.
fn bent(x: f64) -> (f64, f64) {
    (x * (LINE + CURVE * x * x), LINE + 3.0 * CURVE * x * x)
}

pub(super) fn gelu_tanh(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return -0.0;
    }
    x * sigmoid(bent(x).0)
}

pub(super) fn gelu_tanh_slope(x: f64) -> f64 {
    let (v, slope) = bent(x);
    let share = sigmoid(-v) * sigmoid(v);
    sigmoid(v) + if share == 0.0 { 0.0 } else { x * share * slope }
}

pub(super) fn selu(x: f64) -> f64 {
    if x > 0.0 {
        SCALE * x
    } else {
        LEAST * x.exp_m1()
    }
}

/// At −∞ the limit, not −∞ · 0.
pub(super) fn mish(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return -0.0;
    }
    x * bent_tangent(x).0
}

pub(super) fn mish_slope(x: f64) -> f64 {
    let (tangent, slope) = bent_tangent(x);
    tangent + if slope == 0.0 { 0.0 } else { x * slope }
}

/// tanh(ln(1 + eˣ)), and the slope of it.
fn bent_tangent(x: f64) -> (f64, f64) {
    if x > 50.0 {
        return (1.0, 0.0);
    }
    let power = x.exp();
    let n = power * (power + 2.0);
    (
        n / (n + 2.0),
        4.0 * power * (power + 1.0) / ((n + 2.0) * (n + 2.0)),
    )
}
