//! How far a result is from the exact one, in units of its last place: what tests and `cargo xtask ulp` judge by.

use super::{Function, Power};

impl Function {
    /// The error of `found` as this function of `x`, in units of the last place of the exact result, which f64 and the
    /// standard library stand for (their own error is below 2⁻²⁶ of such a unit). A subnormal's unit is 2⁻¹⁴⁹; ∞ counts as
    /// 2¹²⁸; NaN where NaN is right is no error, elsewhere an infinite one. Of slopes below 1 the unit is that of 1.
    pub fn error(self, x: f32, found: f32) -> f64 {
        let least = match self {
            Function::GeluSlope
            | Function::GeluTanhSlope
            | Function::MishSlope
            | Function::SiluSlope => 1.0,
            _ => 0.0,
        };
        distance(self.of(f64::from(x)), found, least)
    }
}

impl Power {
    /// As [`Function::error`].
    pub fn error(self, x: f32, found: f32) -> f64 {
        distance(f64::from(x).powf(f64::from(self.0)), found, 0.0)
    }
}

/// In units of the last place of `exact` in f32, or of `least` if that is larger.
fn distance(exact: f64, found: f32, least: f32) -> f64 {
    let rounded = exact as f32;
    if exact.is_nan() || found.is_nan() {
        return if exact.is_nan() && found.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if found == rounded && found.is_infinite() {
        return 0.0;
    }
    let found = if found.is_infinite() {
        2f64.powi(128).copysign(f64::from(found))
    } else {
        f64::from(found)
    };
    (found - exact).abs() / unit(rounded.abs().max(least))
}

/// The distance from `value` to the next one away from 0.
fn unit(value: f32) -> f64 {
    let value = value.clamp(f32::MIN, f32::MAX);
    let exponent = (value.to_bits() >> 23 & 255).max(1) as i32;
    2f64.powi(exponent - 150)
}
