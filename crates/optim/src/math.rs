//! The few functions of mathematics that rules and schedules call, in one place, so that where they come from is one decision.
//! All are in f64, on single numbers, once a step: never on the numbers of a weight.

use std::f64::consts::PI;

/// `base` to a power.
pub(crate) fn pow(base: f64, exponent: f64) -> f64 {
    base.powf(exponent)
}

/// `base` to a whole power. A power of a decay differs from 0 for the first few hundred thousand steps only, so that what an
/// `i32` does not count makes no difference.
pub(crate) fn power(base: f64, exponent: u64) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

/// The natural logarithm.
pub(crate) fn ln(x: f64) -> f64 {
    x.ln()
}

/// cos(π·x)
pub(crate) fn cos_pi(x: f64) -> f64 {
    (PI * x).cos()
}
