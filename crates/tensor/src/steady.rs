//! Functions of single f64 without libm, for what is computed once a step or a draw: random numbers, schedules, the rules of
//! optimizers. Only sums, products, quotients and square roots: the same bits on every system.

/// Adding it to a number below 2⁵¹ leaves the nearest integer in the lowest bits.
pub(crate) const ROUNDING: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²
/// The bits of 1.
pub(crate) const ONE: u64 = 1023 << 52;
/// ln 2 in two parts: products of the first with integers of 20 bits are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2: 2^−62 of eʳ.
const EXP: [f64; 11] = [
    0.5,
    0.166_666_666_666_666_7,
    0.041_666_666_666_666_67,
    0.008_333_333_333_326_141,
    0.001_388_888_888_888_375_2,
    0.000_198_412_698_748_006_94,
    2.480_158_732_553_351e-5,
    2.755_725_542_549_107e-6,
    2.755_727_366_116_628e-7,
    2.510_520_648_025_926_5e-8,
    2.091_467_945_249_519_3e-9,
];
/// (ln((1 + s) / (1 − s)) / s − 2) / s² of s², for a quotient between √½ and √2: 2^−64 of the logarithm.
const LN: [f64; 8] = [
    0.666_666_666_666_666_6,
    0.400_000_000_000_008_8,
    0.285_714_285_708_036_1,
    0.222_222_223_917_147_83,
    0.181_817_956_400_404_38,
    0.153_862_397_078_441_15,
    0.132_687_730_039_634_5,
    0.130_866_275_564_521_63,
];
/// The bits of √½.
const LEAST_FRACTION: u64 = 0x3fe6_a09e_667f_3bcd;

/// eˣ to less than a unit of the last place.
pub fn exp(x: f64) -> f64 {
    exp_of_sum(x, 0.0)
}

/// The natural logarithm to less than a unit of the last place: −∞ of 0, NaN of negative numbers.
pub fn ln(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    // NaN is neither.
    if !(x > 0.0 && x < f64::INFINITY) {
        return if x > 0.0 { x } else { f64::NAN };
    }
    let (k, f) = split(x);
    let s = f / (2.0 + f);
    let rest = s * s * horner(s * s, LN);
    let half = 0.5 * f * f;
    k * LN_2[0] - ((half - (s * (half + rest) + k * LN_2[1])) - f)
}

/// xʸ for x ≥ 0, to a unit of the last place while the result is between e⁻¹⁶ and e¹⁶, further out to a unit more for every
/// 16 in the exponent: 1 where y is 0. NaN of negative x.
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if !(x > 0.0 && x < f64::INFINITY && y.is_finite()) {
        // What is left: the ends, where the logarithm says it all.
        return exp(y * ln(x));
    }
    let (k, f) = split(x);
    // ln(1 + f) is 2s and more, with s = f / (2 + f) in two parts.
    let (sum, sum_lost) = two_sum(2.0, f);
    let s = f / sum;
    let (product, product_lost) = two_product(s, sum);
    let s_lost = (f - product - product_lost - s * sum_lost) / sum;
    let more = s * (s * s * horner(s * s, LN));
    let (high, lost) = two_sum(k * LN_2[0], 2.0 * s);
    let (high, low) = two_sum(high, lost + (k * LN_2[1] + (2.0 * s_lost + more)));
    if y.abs() > 1e20 {
        return exp(y * (high + low));
    }
    let (product, lost) = two_product(y, high);
    exp_of_sum(product, lost + y * low)
}

/// xⁿ by squares and products, in the order of compiler-rt's `powi`.
pub fn powi(mut x: f64, mut n: u64) -> f64 {
    let mut power = 1.0;
    loop {
        if n & 1 == 1 {
            power *= x;
        }
        n >>= 1;
        if n == 0 {
            return power;
        }
        x *= x;
    }
}

/// (sin(πh), cos(πh)) for an angle of `h` half turns, |h| ≤ 2⁵⁰, to about a unit of the last place: exact at quarter turns.
pub fn sin_cos_of_half_turns(h: f64) -> (f64, f64) {
    const SIN: [f64; 7] = [
        -0.166_666_666_666_666_66,
        0.008_333_333_333_333_331,
        -0.000_198_412_698_412_650_67,
        2.755_731_921_933_914_6e-6,
        -2.505_210_623_244_113e-8,
        1.605_853_161_796_431e-10,
        -7.586_697_057_471_708e-13,
    ];
    const COS: [f64; 7] = [
        0.041_666_666_666_666_664,
        -0.001_388_888_888_888_888_7,
        2.480_158_730_158_464_5e-5,
        -2.755_731_922_140_281_4e-7,
        2.087_675_579_107_684e-9,
        -1.147_046_088_704_183_9e-11,
        4.745_871_868_553_61e-14,
    ];
    let rounded = 2.0 * h + ROUNDING;
    let r = (2.0 * h - (rounded - ROUNDING)) * std::f64::consts::FRAC_PI_2;
    let square = r * r;
    let sine = r + r * (square * horner(square, SIN));
    let cosine = 1.0 - square * (0.5 - square * horner(square, COS));
    match rounded.to_bits() & 3 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// c₀ + x · (c₁ + x · (…)).
#[inline(always)]
pub(crate) fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for &c in coefficients[..N - 1].iter().rev() {
        sum = sum * x + c;
    }
    sum
}

/// e^(x + small)
fn exp_of_sum(x: f64, small: f64) -> f64 {
    // Beyond these it is 0 or ∞ all the same. NaN passes.
    let x = if x > 800.0 { 800.0 } else { x };
    let x = if x < -800.0 { -800.0 } else { x };
    let n = (x * std::f64::consts::LOG2_E + ROUNDING) - ROUNDING;
    let (r, lost) = two_sum(x - n * LN_2[0], small - n * LN_2[1]);
    let power = 1.0 + (r + (lost + r * r * horner(r, EXP)));
    // 2ⁿ in two factors, because n reaches from −1154 to 1154.
    let half = (n * 0.5 + ROUNDING) - ROUNDING;
    power * power_of_two(half) * power_of_two(n - half)
}

/// 2ⁿ for integers of at most 1022 in size; NaN gives anything.
fn power_of_two(n: f64) -> f64 {
    f64::from_bits(((n + ROUNDING).to_bits() << 52).wrapping_add(ONE))
}

/// x = 2ᵏ · (1 + f) with 1 + f between √½ and √2, of a positive finite number.
fn split(x: f64) -> (f64, f64) {
    let (x, down) = if x < f64::MIN_POSITIVE {
        (x * 18_014_398_509_481_984.0, 54.0) // 2⁵⁴
    } else {
        (x, 0.0)
    };
    let bits = x.to_bits();
    let biased = bits.wrapping_sub(LEAST_FRACTION).wrapping_add(ONE) >> 52;
    let fraction = f64::from_bits(bits.wrapping_sub(biased << 52).wrapping_add(ONE));
    (biased as f64 - 1023.0 - down, fraction - 1.0)
}

/// a + b, and what it lost.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// a · b, and what it lost (Dekker 1971).
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let halves = |x: f64| {
        let far = x * 134_217_729.0; // 2²⁷ + 1
        let high = far - (far - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a, a_low), (b, b_low)) = (halves(a), halves(b));
    (
        product,
        ((a * b - product) + a * b_low + a_low * b) + a_low * b_low,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In units of the last place of `wanted`.
    fn distance(found: f64, wanted: f64) -> f64 {
        if found == wanted || found.is_nan() && wanted.is_nan() {
            return 0.0;
        }
        let unit = f64::from_bits(wanted.abs().to_bits() + 1) - wanted.abs();
        (found - wanted).abs() / unit
    }

    /// Numbers of many sizes between 0 and 1, the same at every run.
    fn shares() -> impl Iterator<Item = f64> {
        (0..20_000u64)
            .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// The standard library's are within a unit themselves.
    #[test]
    fn they_are_those_of_the_standard_library_to_a_unit_or_two() {
        for share in shares() {
            for x in [
                share,
                1.0 - share,
                share * 1e-300,
                share * 1e300,
                1.0 + share * 1e-9,
            ] {
                assert!(distance(ln(x), x.ln()) <= 1.0, "ln {x}");
            }
            for x in [share * 1500.0 - 750.0, share, -share * 1e-9] {
                assert!(distance(exp(x), x.exp()) <= 1.0, "exp {x}");
            }
            for (x, y) in [
                (share, 40.0),
                (0.96, share * 1e4),
                (1.0 + share, -share * 700.0),
                (share, 0.5),
            ] {
                let most = 1.0 + (y * x.ln()).abs() / 16.0;
                let far = distance(pow(x, y), x.powf(y));
                assert!(far <= most, "{x} to {y}: {far} > {most}");
            }
            let h = share * 2.0 - 1.0;
            let (sine, cosine) = sin_cos_of_half_turns(h);
            let angle = std::f64::consts::PI * h;
            assert!((sine - angle.sin()).abs() <= 1e-15, "sin {h}");
            assert!((cosine - angle.cos()).abs() <= 1e-15, "cos {h}");
            let n = (share * 1e5) as u64;
            assert_eq!(powi(0.999, n), 0.999f64.powi(n as i32), "{n}");
        }
    }

    #[test]
    fn ends_are_what_they_must_be() {
        const INF: f64 = f64::INFINITY;
        assert_eq!([ln(0.0), ln(1.0), ln(INF)], [-INF, 0.0, INF]);
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan());
        assert_eq!([exp(-INF), exp(0.0), exp(INF)], [0.0, 1.0, INF]);
        assert_eq!([exp(710.0), exp(-746.0)], [INF, 0.0]);
        assert!(exp(f64::NAN).is_nan());
        assert_eq!(
            [pow(0.0, 0.0), pow(0.0, 2.0), pow(0.0, -1.0)],
            [1.0, 0.0, INF]
        );
        assert_eq!(
            [pow(0.5, INF), pow(2.0, INF), pow(0.96, 1.0)],
            [0.0, INF, 0.96]
        );
        assert_eq!(
            [pow(3.0, 5.0), pow(2.0, -1074.0), pow(2.0, 1024.0)],
            [243.0, 5e-324, INF]
        );
        assert!(pow(-1.0, 0.5).is_nan());
        assert_eq!(powi(0.9, 0), 1.0);
        for (h, wanted) in [
            (0.0, (0.0, 1.0)),
            (0.5, (1.0, 0.0)),
            (1.0, (0.0, -1.0)),
            (1.5, (-1.0, 0.0)),
        ] {
            assert_eq!(sin_cos_of_half_turns(h), wanted);
        }
    }

    /// What every system must compute.
    #[test]
    fn bits_are_these_everywhere() {
        let mut sum = 0u64;
        for share in shares() {
            let (sine, cosine) = sin_cos_of_half_turns(2.0 * share);
            for y in [
                ln(share),
                exp(share * 1400.0 - 700.0),
                pow(share, 3.7),
                sine,
                cosine,
            ] {
                sum = sum.rotate_left(5) ^ y.to_bits();
            }
        }
        assert_eq!(sum, 0x44f4_58c0_8afa_c41f, "{sum:#x}");
    }
}
