//! Medians and spread: what counts of noisy figures.

/// The middle of some figures, and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Spread {
    /// All three are NaN where there are no figures.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&lowest), Some(&highest)) = (sorted.first(), sorted.last()) else {
            return Spread {
                median: f64::NAN,
                lowest: f64::NAN,
                highest: f64::NAN,
            };
        };
        let middle = sorted.len() / 2;
        // Of an even number, the mean of the two in the middle.
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[middle]) / 2.0;
        Spread {
            median,
            lowest,
            highest,
        }
    }
}

/// The middle value.
pub(crate) fn median(figures: &[f64]) -> f64 {
    Spread::of(figures).median
}

/// `of[i] / by[i]`: within a round the machine's speed is the same, and cancels.
pub(crate) fn ratios(of: &[f64], by: &[f64]) -> Vec<f64> {
    of.iter().zip(by).map(|(of, by)| of / by).collect()
}

#[cfg(test)]
mod tests {
    use super::{Spread, median, ratios};

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn spread_reaches_from_the_lowest_to_the_highest() {
        let spread = Spread::of(&[2.0, 8.0, 5.0]);
        assert_eq!(
            (spread.lowest, spread.median, spread.highest),
            (2.0, 5.0, 8.0)
        );
    }

    #[test]
    fn a_machine_that_slows_down_does_not_change_ratios() {
        assert_eq!(ratios(&[400.0, 200.0], &[100.0, 50.0]), [4.0, 4.0]);
    }
}
