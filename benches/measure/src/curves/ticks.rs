//! The marks of a logarithmic axis. Powers of ten alone would leave most axes with a single one, from which nothing
//! can be read.

use std::ops::Range;

/// So many marks let a reader guess the values between them.
const ENOUGH: usize = 4;

/// What a mark begins with, from few marks a decade to many.
const STARTS: [&[&str]; 5] = [
    &["1"],
    &["1", "3"],
    &["1", "2", "5"],
    &["1", "1.5", "2", "3", "5", "7"],
    &[
        "1", "1.2", "1.4", "1.6", "1.8", "2", "2.5", "3", "3.5", "4", "4.5", "5", "6", "7", "8",
        "9",
    ],
];

/// Round numbers in the range, the fewest that are [`ENOUGH`] (an axis that spans less than a factor of two may have
/// fewer). The range must be of positive, finite numbers.
pub(crate) fn ticks(range: &Range<f64>) -> Vec<f64> {
    let decades = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let marks = |starts: &[&str]| -> Vec<f64> {
        let numbers = decades.clone().flat_map(|decade| {
            // Read, not multiplied: a mark is the number that its label says.
            let number = move |start: &&str| format!("{start}e{decade}").parse::<f64>().ok();
            starts.iter().filter_map(number)
        });
        numbers.filter(|number| range.contains(number)).collect()
    };
    STARTS
        .iter()
        .map(|starts| marks(starts))
        .find(|marks| marks.len() >= ENOUGH)
        .unwrap_or_else(|| marks(STARTS[STARTS.len() - 1]))
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, ticks};

    #[test]
    fn a_narrow_range_has_close_marks_and_a_wide_one_powers_of_ten() {
        assert_eq!(ticks(&(0.8..2.3)), [0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0]);
        assert_eq!(ticks(&(0.9..12.0)), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(ticks(&(0.5..2000.0)), [1.0, 10.0, 100.0, 1000.0]);
    }

    #[test]
    fn every_axis_of_a_curve_has_enough() {
        // A chart leaves half as much again above and below its values.
        for number in 0..2_000 {
            let low = 1e-6 * 1.013f64.powi(number);
            for factor in [2.25, 3.0, 20.0, 1e4] {
                let marks = ticks(&(low..low * factor));
                assert!(
                    (ENOUGH..=12).contains(&marks.len()),
                    "{low} to {}: {marks:?}",
                    low * factor
                );
                assert!(marks.windows(2).all(|pair| pair[0] < pair[1]), "{marks:?}");
            }
        }
    }

    #[test]
    fn labels_are_short() {
        for mark in ticks(&(0.021..0.049)) {
            assert!(mark.to_string().len() <= 5, "{mark}");
        }
    }
}
