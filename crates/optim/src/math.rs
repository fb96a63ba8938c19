//! The few functions of mathematics that rules and schedules call, in one place, so that where they come from is one decision:
//! not from libm, whose last bits differ between systems. All are in f64, on single numbers, once a step: never on the
//! numbers of a weight.

pub(crate) use taper_tensor::steady::{ln, pow, powi as power};

/// cos(π·x)
pub(crate) fn cos_pi(x: f64) -> f64 {
    taper_tensor::steady::sin_cos_of_half_turns(x).1
}
