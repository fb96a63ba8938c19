//! The word for a difference.

use serde::{Deserialize, Serialize};

use super::{Interval, SIGNIFICANCE};

/// The word for a difference between a variant and the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// More accurate than the reference, and chance does not explain it.
    Better,
    /// Less accurate, and chance does not explain it.
    Worse,
    /// Chance may explain it, or there is no test for so few seeds.
    CannotTell,
}

impl Verdict {
    /// It is told from chance if its corrected p is below [`SIGNIFICANCE`] **and** its interval leaves out 0, so that word and
    /// interval never contradict each other.
    #[must_use]
    pub fn of(interval: Interval, corrected: Option<f64>) -> Verdict {
        let told = corrected.is_some_and(|p| p < SIGNIFICANCE);
        match told {
            true if interval.low > 0.0 => Verdict::Better,
            true if interval.high < 0.0 => Verdict::Worse,
            _ => Verdict::CannotTell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_test_and_the_interval_must_say_so() {
        let of = |low, high, p| Verdict::of(Interval { low, high }, p);
        assert_eq!(of(0.001, 0.003, Some(0.04)), Verdict::Better);
        assert_eq!(of(-0.003, -0.001, Some(0.04)), Verdict::Worse);
        for (low, high, p) in [
            (0.001, 0.003, Some(0.05)),
            (0.001, 0.003, None),
            (-0.001, 0.003, Some(0.01)),
            (0.0, 0.003, Some(0.01)),
            (f64::NAN, f64::NAN, Some(0.01)),
            (0.001, 0.003, Some(f64::NAN)),
        ] {
            assert_eq!(of(low, high, p), Verdict::CannotTell, "{low} {high} {p:?}");
        }
    }
}
