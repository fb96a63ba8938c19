//! Counts that are drawn: the binomial distribution as a function of one uniform number.

use statrs::function::factorial::ln_factorial;

/// How many of `n` cases happen, each with probability `p`: the outcome that the uniform number `u` in [0, 1) stands for.
///
/// Exact inversion: outcomes have pieces of [0, 1) that are as long as they are probable, laid out from the most probable
/// one to both sides in turn, so that some √(np(1 − p)) of them are looked at (C. D. Kemp, *A modal method for generating
/// binomial variables*, 1986).
#[must_use]
pub fn binomial(n: u64, p: f64, u: f64) -> u64 {
    if n == 0 || p <= 0.0 || p.is_nan() {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    let mode = (((n + 1) as f64 * p) as u64).min(n);
    let ways = ln_factorial(n) - ln_factorial(mode) - ln_factorial(n - mode);
    let at_mode = (ways + mode as f64 * p.ln() + (n - mode) as f64 * (-p).ln_1p()).exp();
    let odds = p / (1.0 - p);
    let (mut high, mut low) = (mode, mode);
    let (mut above, mut below) = (at_mode, at_mode);
    let mut left = u - at_mode;
    while left >= 0.0 && (above > 0.0 || below > 0.0) {
        above *= odds * (n - high) as f64 / (high + 1) as f64;
        high += 1;
        left -= above;
        if left < 0.0 {
            return high;
        }
        below *= low as f64 / (odds * (n - low + 1) as f64);
        low = low.saturating_sub(1);
        left -= below;
        if left < 0.0 {
            return low;
        }
        if high >= n {
            above = 0.0;
            high = n;
        }
        if low == 0 {
            below = 0.0;
        }
    }
    // Also if the pieces, rounded, end before `u`.
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, Discrete};

    /// Evenly spaced numbers hit every outcome as often as it is probable.
    #[test]
    fn outcomes_are_as_frequent_as_they_are_probable() {
        const DRAWS: u64 = 200_000;
        for (n, p) in [
            (1, 0.5),
            (5, 0.1),
            (30, 0.97),
            (400, 0.02),
            (10_000, 0.31),
            (10_000, 1e-4),
        ] {
            let mut counts = std::collections::BTreeMap::<u64, u64>::new();
            for i in 0..DRAWS {
                let drawn = binomial(n, p, (i as f64 + 0.5) / DRAWS as f64);
                assert!(drawn <= n);
                *counts.entry(drawn).or_default() += 1;
            }
            let expected = Binomial::new(p, n).expect("sound");
            for (outcome, count) in counts {
                let (share, mass) = (count as f64 / DRAWS as f64, expected.pmf(outcome));
                assert!(
                    (share - mass).abs() <= 1.5 / DRAWS as f64,
                    "{n} {p} {outcome}: {share} {mass}"
                );
            }
        }
    }

    #[test]
    fn ends_are_certain() {
        assert_eq!(
            [
                binomial(0, 0.5, 0.3),
                binomial(9, 0.0, 0.3),
                binomial(9, 1.0, 0.3)
            ],
            [0, 0, 9]
        );
        assert_eq!(binomial(9, f64::NAN, 0.3), 0);
        assert!(binomial(9, 0.5, 1.0 - f64::EPSILON / 2.0) <= 9);
    }
}
