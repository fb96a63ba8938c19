//! x · Φ(x), and its slope Φ(x) + x · φ(x), with Φ the standard normal distribution and φ its density.

use super::doubles::{InDoubles, OfDoubles, at_most};
use super::erf::tail;

/// For the table.
pub(super) const GELU: InDoubles<Gelu> = InDoubles(Gelu);
/// For the table.
pub(super) const SLOPE: InDoubles<Slope> = InDoubles(Slope);

#[derive(Clone, Copy)]
pub(super) struct Gelu;

/// Where φ is 0 in f32: products with it there are the limit, and none with ∞ is NaN.
const MOST: f64 = 40.0;
/// 1 / √2π
const PEAK: f64 = 0.398_942_280_401_432_7;

impl OfDoubles for Gelu {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let (beyond, _) = tail(x.abs());
        let least = if x < -MOST { -MOST } else { x };
        least * if x < 0.0 { beyond } else { 1.0 - beyond }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Slope;

impl OfDoubles for Slope {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let (beyond, power) = tail(x.abs());
        let share = if x < 0.0 { beyond } else { 1.0 - beyond };
        share + at_most(x, MOST) * (PEAK * power)
    }
}
