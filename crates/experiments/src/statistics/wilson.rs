//! How well a share is known that was counted: Wilson's interval.

use super::{Interval, normal_quantile};

/// The 95 % interval of a share of which `right` of `all` cases were counted; `None` of no cases.
///
/// With p = right/all, n = all and z = 1.96 it is (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
/// (E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, 1927): the shares from which p
/// is no further away than z of their standard deviations. It holds at both ends, where p ± z·√(p(1 − p)/n) fails.
#[must_use]
pub fn wilson(right: u64, all: u64) -> Option<Interval> {
    if all == 0 || right > all {
        return None;
    }
    let (n, z) = (all as f64, normal_quantile());
    let p = right as f64 / n;
    let scale = 1.0 + z * z / n;
    let middle = (p + z * z / (2.0 * n)) / scale;
    let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / scale;
    let interval = Interval {
        low: middle - reach,
        high: middle + reach,
    };
    // Its ends are 0 and 1 there but for rounding.
    Some(Interval {
        low: if right == 0 { 0.0 } else { interval.low },
        high: if right == all { 1.0 } else { interval.high },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_at_the_ends_and_of_nothing() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(3, 2), None);
        let none = wilson(0, 10).expect("ten cases");
        assert!(
            none.low == 0.0 && none.high > 0.25 && none.high < 0.3,
            "{none:?}"
        );
        let all = wilson(10, 10).expect("ten cases");
        assert!(all.high == 1.0 && (all.low - (1.0 - none.high)).abs() < 1e-12);
    }
}
