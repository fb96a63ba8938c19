//! The hyperbolic tangent: an odd polynomial near 0, 1 − 2 / (e²ˣ + 1) elsewhere.

use super::exp::moderate;
use super::{OfVectors, polynomial};
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Tanh;

/// From here on 1 − 2 / (e²ˣ + 1) loses no digits that count.
const FAR: f32 = 0.65;
/// (tanh x − x) / x³ as a polynomial of x² for |x| ≤ `FAR`: 2^−31.4 of tanh x.
const NEAR: [f32; 6] = [
    -0.333_333_28,
    0.133_331_12,
    -0.053_935_144,
    0.021_638_69,
    -0.008_028_398,
    0.002_010_668_6,
];

impl OfVectors for Tanh {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V {
        let (one, two, far) = (simd.splat(1.0), simd.splat(2.0), simd.splat(FAR));
        let size = simd.with_sign(x, one);
        let square = simd.mul(size, size);
        let cube = simd.mul(size, square);
        let near = simd.add(size, simd.mul(cube, polynomial(simd, square, NEAR)));
        // From 9.02 on the result is 1.
        let most = simd.splat(10.0);
        let twice = simd.mul(two, simd.where_less(most, size, most, size));
        let quotient = simd.div(two, simd.add(moderate(simd, twice), one));
        // NaN is not less than anything and comes through the second.
        let y = simd.where_less(size, far, near, simd.sub(one, quotient));
        simd.with_sign(y, x)
    }
}
