//! Gelu with Φ(x) near enough as ½ + ½ tanh(√(2/π) (x + 0.044715 x³)), which is the sigmoid of twice that, and its slope.

use super::doubles::{InDoubles, OfDoubles, at_most, exp};

/// For the table.
pub(super) const GELU: InDoubles<Gelu> = InDoubles(Gelu);
/// For the table.
pub(super) const SLOPE: InDoubles<Slope> = InDoubles(Slope);

#[derive(Clone, Copy)]
pub(super) struct Gelu;

/// What the sigmoid sees is `LINE` · x + `CURVE` · x³.
pub(super) const LINE: f64 = 1.595_769_121_605_730_8; // 2 √(2/π)
/// 0.044715 of `LINE`
pub(super) const CURVE: f64 = LINE * 0.044_715;
/// Where the sigmoid is 0 or 1 in f32, and x times it, too; e^−|…| is a number of f64 there.
const MOST: f64 = 16.0;

impl OfDoubles for Gelu {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let inside = at_most(x, MOST);
        let (here, _) = sigmoids(inside * (LINE + CURVE * inside * inside));
        here * if x < 0.0 { inside } else { x }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Slope;

impl OfDoubles for Slope {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let x = at_most(x, MOST);
        let square = x * x;
        let (here, there) = sigmoids(x * (LINE + CURVE * square));
        here * (1.0 + x * there * (LINE + 3.0 * CURVE * square))
    }
}

/// The sigmoids of v and −v.
#[inline(always)]
fn sigmoids(v: f64) -> (f64, f64) {
    let small = exp(-v.abs());
    let large = 1.0 / (1.0 + small);
    let small = small * large;
    if v < 0.0 {
        (small, large)
    } else {
        (large, small)
    }
}
