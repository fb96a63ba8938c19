//! 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows.

use super::OfVectors;
use super::exp::Exp;
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl OfVectors for Sigmoid {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let one = simd.splat(1.0);
        let small = Exp.of(simd, simd.with_sign(x, simd.splat(-0.0)));
        let numerator = simd.where_less(x, simd.splat(0.0), small, one);
        simd.div(numerator, simd.add(one, small))
    }
}
