//! What figures can carry: intervals, tests and probabilities for accuracies and their differences, as pure functions.
//!
//! The same input gives the same bits on every run and for every number of threads: where numbers are drawn, draw *r* of
//! a stream is a function of (seed, stream, *r*) alone, by the workspace's own [generator](taper_tensor::Seed::key).
//!
//! | question | one training each | several seeds |
//! | --- | --- | --- |
//! | How good is it? | [`wilson`] | [`estimate`] of a [`Table`] of right (1) and wrong (0) |
//! | How large is the difference? | [`estimate`] of a [`Table`] of one row | [`estimate`]: seeds and images drawn again |
//! | Can it be chance? | [`mcnemar`] | [`sign_flip`], from [`seeds_needed`] seeds on; with other images: [`Estimate::p`] |
//! | Would another seed say so, too? | cannot be said | [`beats_on_new_seed`] |
//! | There are several comparisons | [`holm`] | [`holm`] |
//! | Better or worse? | [`Verdict::of`] | [`Verdict::of`] |
//!
//! Distributions are those of the crate `statrs`. Every function is compared with SciPy and statsmodels by
//! `fixtures/golden/statistics.py`: to 1e-9, and intervals that are drawn to their sampling error. That intervals hold as
//! often as they promise, and how often chance is taken for a difference, is tried by
//! `cargo run --release -p taper-experiments --example no_effect`.
//!
//! ```
//! use taper_experiments::statistics::{holm, mcnemar, wilson};
//! let interval = wilson(9_883, 10_000).expect("there are images");
//! assert!((interval.low - 0.98600).abs() < 1e-5 && (interval.high - 0.99023).abs() < 1e-5);
//! // 40 images that only one network has right, 20 that only the other has right.
//! let p = mcnemar(40, 20);
//! assert!(p < 0.05);
//! assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
//! ```

mod binomial;
mod bootstrap;
mod holm;
mod mcnemar;
mod new_seed;
mod sign_flip;
mod table;
mod verdict;
mod wilson;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use taper_train::number;

pub use binomial::binomial;
pub use bootstrap::{DRAWS, Estimate, estimate};
pub use holm::holm;
pub use mcnemar::mcnemar;
pub use new_seed::beats_on_new_seed;
pub use sign_flip::{seeds_needed, sign_flip};
pub use table::{Components, Table};
pub use verdict::Verdict;
pub use wilson::wilson;

/// How often intervals are to hold.
pub const CONFIDENCE: f64 = 0.95;
/// Below this p, corrected where there are several comparisons, chance is no longer a good explanation.
pub const SIGNIFICANCE: f64 = 0.05;

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    #[serde(with = "number")]
    pub low: f64,
    /// Its upper end.
    #[serde(with = "number")]
    pub high: f64,
}

impl Interval {
    /// Whether a value is in it, its ends included; NaN is not.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Its part between two values.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Interval {
        Interval {
            low: self.low.clamp(low, high),
            high: self.high.clamp(low, high),
        }
    }
}

/// How many standard deviations to either side of a normal mean hold [`CONFIDENCE`] of all cases: 1.96.
#[must_use]
pub fn normal_quantile() -> f64 {
    Normal::standard().inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

/// As [`normal_quantile`], of Student's t distribution with so many degrees of freedom (more than 0, fractions allowed).
#[must_use]
pub fn t_quantile(degrees: f64) -> f64 {
    // From a million on the two agree to six digits.
    match StudentsT::new(0.0, 1.0, degrees) {
        Ok(t) if degrees < 1e6 => refined(&t),
        _ => normal_quantile(),
    }
}

/// Bisection between 0 and where the upper tail is certainly smaller, to the last bit that the distribution function has.
fn refined(t: &StudentsT) -> f64 {
    let level = (1.0 - CONFIDENCE) / 2.0;
    let (mut low, mut high) = (0.0, 2.0);
    while t.sf(high) > level && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if t.sf(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
