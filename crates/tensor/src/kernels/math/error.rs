//! How far a result is from the exact one, in units of its last place: what tests and `cargo xtask ulp` judge by.

use super::Function;

impl Function {
    /// The error of `found` as this function of `x`, in units of the last place of the exact result, which f64 and the
    /// standard library stand for (their own error is below 2⁻²⁶ of such a unit). A subnormal's unit is 2⁻¹⁴⁹; ∞ counts as
    /// 2¹²⁸; NaN where NaN is right is no error, elsewhere an infinite one. Of [`SiluSlope`](Function::SiluSlope) below 1
    /// the unit is that of 1.
    pub fn error(self, x: f32, found: f32) -> f64 {
        let exact = self.of(f64::from(x));
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
        let of = match self {
            Function::SiluSlope => rounded.abs().max(1.0),
            _ => rounded,
        };
        (found - exact).abs() / unit(of)
    }
}

/// The distance from `value` to the next one away from 0.
fn unit(value: f32) -> f64 {
    let value = value.clamp(f32::MIN, f32::MAX);
    let exponent = (value.to_bits() >> 23 & 255).max(1) as i32;
    2f64.powi(exponent - 150)
}
