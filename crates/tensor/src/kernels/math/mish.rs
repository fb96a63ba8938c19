//! x · tanh(ln(1 + eˣ)), and its slope: the tangent is n / (n + 2) with n = eˣ (eˣ + 2).

use super::doubles::{InDoubles, OfDoubles, at_most, exp};

/// For the table.
pub(super) const MISH: InDoubles<Mish> = InDoubles(Mish);
/// For the table.
pub(super) const SLOPE: InDoubles<Slope> = InDoubles(Slope);

#[derive(Clone, Copy)]
pub(super) struct Mish;

/// Where eˣ or e⁻ˣ is 0 in f32, and 115 times it, too.
const MOST: f64 = 115.0;

impl OfDoubles for Mish {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let inside = at_most(x, MOST);
        let power = exp(inside);
        let n = power * (power + 2.0);
        n / (n + 2.0) * if x < 0.0 { inside } else { x }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Slope;

impl OfDoubles for Slope {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let x = at_most(x, MOST);
        let power = exp(x);
        let n = power * (power + 2.0);
        let inverse = 1.0 / (n + 2.0);
        // The slope of n / (n + 2) is 2n' / (n + 2)², and n' is 2eˣ (eˣ + 1).
        inverse * (n + x * (4.0 * power * (power + 1.0)) * inverse)
    }
}
