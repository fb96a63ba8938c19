//! The error function, and the tail of the normal distribution that it and gelu are made of.

use super::doubles::{InDoubles, OfDoubles, exp, horner};

/// For the table.
pub(super) const ERF: InDoubles<Erf> = InDoubles(Erf);

#[derive(Clone, Copy)]
pub(super) struct Erf;

/// Nearer to 0 than this a polynomial of x² keeps the digits; beyond, 1 less the tails.
const NEAR: f64 = 0.75;
/// erf x / x as a polynomial of x²: 2^−35 of it.
const NEARLY: [f64; 7] = [
    1.128_379_167_069_327,
    -0.376_126_384_466_797_4,
    0.112_837_786_429_179_85,
    -0.026_864_771_802_052_32,
    0.005_216_789_489_920_986,
    -0.000_835_692_792_001_344_7,
    9.470_461_781_589_718e-5,
];

impl OfDoubles for Erf {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let (beyond, _) = tail(x.abs() * std::f64::consts::SQRT_2);
        let far = (1.0 - 2.0 * beyond).copysign(x);
        let near = x * horner(x * x, NEARLY);
        if x.abs() > NEAR { far } else { near }
    }
}

/// From here on the tail is 0 in f32, and so is 15 times it.
const MOST: f64 = 15.0;
/// Where t is 0.
const MIDDLE: f64 = 3.5;
/// (y + 3.5) · e^(y² / 2) · P(X > y) as a polynomial of t = (y − 3.5) / (y + 3.5): 2^−31.6 of it.
const TAIL: [f64; 12] = [
    0.744_416_075_460_593_5,
    -0.565_561_815_786_178_4,
    0.315_424_967_794_485_26,
    -0.116_050_950_881_948_76,
    0.017_407_848_270_934_043,
    0.006_476_599_574_291_408,
    -0.003_188_877_272_589_917,
    -0.000_447_353_701_422_606_03,
    0.000_473_892_989_837_048_4,
    7.249_351_228_628_343e-5,
    -6.584_830_818_758_734e-5,
    -2.091_387_081_652_114e-5,
];

/// The probability that a standard normal number is above `y`, which is at least 0, and e^(−y² / 2). NaN stays NaN.
#[inline(always)]
pub(super) fn tail(y: f64) -> (f64, f64) {
    let y = if y > MOST { MOST } else { y };
    let inverse = 1.0 / (y + MIDDLE);
    let t = 1.0 - 2.0 * MIDDLE * inverse;
    let power = exp(-0.5 * y * y);
    (power * inverse * horner(t, TAIL), power)
}
