//! Scaled exponential linear unit (Klambauer, Unterthiner, Mayr, Hochreiter 2017).

use super::doubles::{InDoubles, OfDoubles, exp_parts};

/// For the table.
pub(super) const SELU: InDoubles<Selu> = InDoubles(Selu);

#[derive(Clone, Copy)]
pub(super) struct Selu;

/// With these, layers of normal weights keep mean 0 and variance 1.
pub(super) const SCALE: f64 = 1.050_700_987_355_480_5;
/// `SCALE` times the paper's α: what −∞ goes to, less the sign.
pub(super) const LEAST: f64 = SCALE * 1.673_263_242_354_377_2;
/// eˣ is less than half of a unit of 1 in f64 below.
const FAR: f64 = -40.0;

impl OfDoubles for Selu {
    #[inline(always)]
    fn of(self, x: f64) -> f64 {
        let below = if x > 0.0 { 0.0 } else { x };
        let below = if below < FAR { FAR } else { below };
        let (above, scale) = exp_parts(below);
        let below = LEAST * (scale * above + (scale - 1.0));
        if x > 0.0 {
            SCALE * x
        } else {
            below.copysign(x)
        }
    }
}
