//! Figures over sizes, and what is not smooth about them.

use serde::Serialize;
use taper_train::number;

use crate::statistics::median;

/// Neighbours that differ by more than this are named: more than noise and rounding to whole registers explain.
pub(crate) const CLIFF: f64 = 1.3;

/// The last epochs may take so much longer than the first ones.
pub(crate) const GROWTH: f64 = 1.1;

/// One size and what a step of it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Point {
    /// Images a batch, channels, or the side of an image.
    pub(crate) size: usize,
    /// What a step has to do: multiplications and additions of the dense products, in millions.
    #[serde(with = "number")]
    pub(crate) mflop: f64,
    /// Images a step.
    pub(crate) images: usize,
    /// Median of a step, in seconds.
    #[serde(with = "number")]
    pub(crate) seconds: f64,
    /// The fastest round.
    #[serde(with = "number")]
    pub(crate) lowest: f64,
    /// The slowest round.
    #[serde(with = "number")]
    pub(crate) highest: f64,
}

impl Point {
    /// Nanoseconds for a million multiplications and additions.
    pub(crate) fn cost(&self) -> f64 {
        1e9 * self.seconds / self.mflop
    }

    /// Microseconds for an image.
    pub(crate) fn image(&self) -> f64 {
        1e6 * self.seconds / self.images as f64
    }
}

/// A place where the curve is not smooth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Cliff {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// How much more the same work costs at `to`; below 1 where more work takes less time than less work.
    #[serde(with = "number")]
    pub(crate) ratio: f64,
}

/// Neighbours where the same work becomes dearer by more than `factor`, or where more work takes less time by more
/// than that (so that the smaller size is the slow one). Work that becomes cheaper with size is no cliff: the costs
/// of a step that do not depend on it are shared by more, and registers are filled better.
pub(crate) fn cliffs(points: &[Point], factor: f64) -> Vec<Cliff> {
    let found = points.windows(2).filter_map(|pair| {
        let dearer = pair[1].cost() / pair[0].cost();
        let longer = pair[1].seconds / pair[0].seconds;
        let (smooth, grows) = (dearer <= factor, longer >= 1.0 / factor);
        let ratio = match (smooth, grows) {
            (true, true) => return None,
            (true, false) => longer,
            (false, _) => dearer,
        };
        Some(Cliff {
            from: pair[0].size,
            to: pair[1].size,
            ratio,
        })
    });
    found.collect()
}

/// Median of the last quarter of epochs over that of the second quarter (the first one warms up).
/// `None` for fewer than eight epochs.
pub(crate) fn growth(seconds: &[f64]) -> Option<f64> {
    let quarter = seconds.len() / 4;
    if quarter < 2 {
        return None;
    }
    Some(median(&seconds[seconds.len() - quarter..]) / median(&seconds[quarter..2 * quarter]))
}

#[cfg(test)]
mod tests {
    use super::{Cliff, Point, cliffs, growth};

    fn curve(seconds: &[f64]) -> Vec<Point> {
        let point = |(number, &seconds): (usize, &f64)| Point {
            size: 1 << number,
            mflop: f64::from(1 << number),
            images: 1 << number,
            seconds,
            lowest: seconds,
            highest: seconds,
        };
        seconds.iter().enumerate().map(point).collect()
    }

    #[test]
    fn a_smooth_curve_has_no_cliffs() {
        // Fixed costs of 3, then one for each unit of work.
        assert_eq!(cliffs(&curve(&[4.0, 5.0, 7.0, 11.0, 19.0]), 1.3), []);
        assert_eq!(cliffs(&[], 1.3), []);
    }

    #[test]
    fn steps_up_and_down_are_named() {
        let found = cliffs(&curve(&[1.0, 2.0, 6.0, 12.0]), 1.3);
        assert_eq!(
            found,
            [Cliff {
                from: 2,
                to: 4,
                ratio: 1.5
            }]
        );
        // The slow size in the middle is seen from both sides.
        let found = cliffs(&curve(&[1.0, 8.0, 4.0, 8.0]), 1.3);
        assert_eq!(
            found.iter().map(|c| (c.from, c.to)).collect::<Vec<_>>(),
            [(1, 2), (2, 4)]
        );
        assert_eq!(found[1].ratio, 0.5);
    }

    #[test]
    fn what_is_no_number_is_no_smooth_curve() {
        assert_eq!(cliffs(&curve(&[1.0, f64::NAN]), 1.3).len(), 1);
    }

    #[test]
    fn growth_compares_late_with_early_epochs() {
        let steady = [9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(growth(&steady), Some(1.0), "the first epochs do not count");
        let slowing: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(growth(&slowing), Some(18.0 / 8.0));
        assert_eq!(growth(&[1.0; 7]), None);
    }

    #[test]
    fn costs_are_per_work_and_per_image() {
        let point = Point {
            size: 8,
            mflop: 4.0,
            images: 8,
            seconds: 2e-6,
            lowest: 2e-6,
            highest: 2e-6,
        };
        assert!((point.cost() - 500.0).abs() < 1e-9);
        assert!((point.image() - 0.25).abs() < 1e-12);
    }
}
