//! Whether one of two networks is right on more images than chance explains: McNemar's exact test.

use statrs::distribution::{Binomial, DiscreteCDF};

/// Two-sided p of two networks that were shown the same images, of which so many only the first, and so many only the
/// second has right.
///
/// Images on which both are right or both are wrong say nothing about which is better. If neither is, each of the other
/// n is as likely the one's as the other's: p = min(1, 2·P(X ≤ min(first, second))), X ~ Binomial(n, ½)
/// (Q. McNemar, *Note on the sampling error of the difference between correlated proportions or percentages*, 1947; in
/// its exact form). 1 if there are none.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let discordant = only_first + only_second;
    match Binomial::new(0.5, discordant) {
        Ok(halves) if discordant > 0 => (2.0 * halves.cdf(only_first.min(only_second))).min(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_symmetric_and_one_where_there_is_no_difference() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(7, 7), 1.0);
        assert_eq!(mcnemar(3, 12), mcnemar(12, 3));
        // 2·(1/2)⁵.
        assert!((mcnemar(5, 0) - 0.0625).abs() < 1e-12);
    }
}
