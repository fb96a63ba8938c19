//! Activation functions that a kernel applies to its sums before it stores them: those whose slope the output alone tells,
//! so that nothing that stood in front of them has to be kept for the way back.

use super::math::{Function, SELU};
use crate::Scalar;
use crate::simd::Simd;

/// An activation function that is fused into the product in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fusible {
    /// What is below zero becomes zero.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x where x > 0, eˣ − 1 elsewhere.
    Elu,
    /// λx where x > 0, λα(eˣ − 1) elsewhere.
    Selu,
}

impl Fusible {
    /// Every one of them.
    pub const ALL: &[Fusible] = &[
        Fusible::Relu,
        Fusible::Tanh,
        Fusible::Sigmoid,
        Fusible::Elu,
        Fusible::Selu,
    ];

    /// What of the vector mathematics it is; relu needs none.
    pub fn function(self) -> Option<Function> {
        match self {
            Fusible::Relu => None,
            Fusible::Tanh => Some(Function::Tanh),
            Fusible::Sigmoid => Some(Function::Sigmoid),
            Fusible::Elu => Some(Function::Elu),
            Fusible::Selu => Some(Function::Selu),
        }
    }

    /// Calls `work` with the way back through it; a gradient that passes relu is multiplied by `scale` (dropout's factor).
    pub(crate) fn with_way_back<E: Scalar>(self, scale: E, work: impl WithWayBack<E>) {
        match self {
            Fusible::Relu => work.run(ReluBack(scale)),
            Fusible::Tanh => work.run(TanhBack),
            Fusible::Sigmoid => work.run(SigmoidBack),
            Fusible::Elu => work.run(EluBack),
            Fusible::Selu => work.run(SeluBack),
        }
    }
}

/// The gradient in front of the function, of that behind it (`d`) and the output (`y`).
pub(crate) trait WayBack<E: Scalar>: Copy + Sync {
    fn back(self, d: E, y: E) -> E;

    /// The same of vectors, to the same bits.
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V;
}

/// What runs with a way back.
pub(crate) trait WithWayBack<E: Scalar> {
    fn run<W: WayBack<E>>(self, way: W);
}

#[derive(Clone, Copy)]
struct ReluBack<E>(E);

impl<E: Scalar> WayBack<E> for ReluBack<E> {
    #[inline(always)]
    fn back(self, d: E, y: E) -> E {
        let scaled = d * self.0;
        if y > E::zero() { scaled } else { E::zero() }
    }

    #[inline(always)]
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V {
        let scale = self.0.to_f64() as f32;
        simd.where_positive(y, simd.mul(d, simd.splat(scale)))
    }
}

#[derive(Clone, Copy)]
struct TanhBack;

impl<E: Scalar> WayBack<E> for TanhBack {
    #[inline(always)]
    fn back(self, d: E, y: E) -> E {
        d * (E::one() - y * y)
    }

    #[inline(always)]
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V {
        simd.mul(d, simd.sub(simd.splat(1.0), simd.mul(y, y)))
    }
}

#[derive(Clone, Copy)]
struct SigmoidBack;

impl<E: Scalar> WayBack<E> for SigmoidBack {
    #[inline(always)]
    fn back(self, d: E, y: E) -> E {
        d * y * (E::one() - y)
    }

    #[inline(always)]
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V {
        simd.mul(simd.mul(d, y), simd.sub(simd.splat(1.0), y))
    }
}

#[derive(Clone, Copy)]
struct EluBack;

impl<E: Scalar> WayBack<E> for EluBack {
    #[inline(always)]
    fn back(self, d: E, y: E) -> E {
        let below = y + E::one();
        d * if y >= E::zero() { E::one() } else { below }
    }

    #[inline(always)]
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V {
        above_or(simd, d, y, 1.0, 1.0)
    }
}

#[derive(Clone, Copy)]
struct SeluBack;

impl<E: Scalar> WayBack<E> for SeluBack {
    #[inline(always)]
    fn back(self, d: E, y: E) -> E {
        let [scale, least] = SELU.map(E::from_f64);
        let below = y + least;
        d * if y >= E::zero() { scale } else { below }
    }

    #[inline(always)]
    fn back_vectors<S: Simd>(self, simd: S, d: S::V, y: S::V) -> S::V {
        let [scale, least] = SELU.map(|x| x as f32);
        above_or(simd, d, y, scale, least)
    }
}

/// d · (y ≥ 0 ? above : y + least); a NaN among the outputs stays one.
#[inline(always)]
fn above_or<S: Simd>(simd: S, d: S::V, y: S::V, above: f32, least: f32) -> S::V {
    let below = simd.add(y, simd.splat(least));
    // Comparisons with NaN are false.
    let above = simd.where_less(simd.splat(-1.0), y, simd.splat(above), below);
    simd.mul(d, simd.where_less(y, simd.splat(0.0), below, above))
}
