//! The optimizer passes of [`super::update`] for f32: vectors, one pass, cut into tasks.

use super::elementwise::PIECE;
use super::update::{Adam, Penalty, Sgd};
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// See [`super::update::adam`].
pub(crate) fn adam(
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    how: &Adam,
    penalty: Penalty,
) {
    let moments = m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE));
    let weights = w.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE));
    weights.zip(moments).for_each(|((w, g), (m, v))| {
        let rule = AdamRule { how, penalty };
        dispatch(Pass {
            rule,
            data: [w, m, v],
            g,
        });
    });
}

/// See [`super::update::sgd`].
pub(crate) fn sgd(
    w: &mut [f32],
    g: &[f32],
    velocity: Option<&mut [f32]>,
    how: &Sgd,
    penalty: Penalty,
) {
    let weights = w.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE));
    let rule = SgdRule { how, penalty };
    match velocity {
        None => weights.for_each(|(w, g)| dispatch(Pass { rule, data: [w], g })),
        Some(v) => weights
            .zip(v.par_chunks_mut(PIECE))
            .for_each(|((w, g), v)| {
                dispatch(Pass {
                    rule,
                    data: [w, v],
                    g,
                });
            }),
    }
}

/// What an optimizer does to one vector of a weight and its moments, `N` vectors in all.
trait Rule<const N: usize>: Copy {
    fn step<S: Simd>(self, simd: S, data: [S::V; N], g: S::V) -> [S::V; N];
}

/// One pass over a weight (`data[0]`) and its moments.
struct Pass<'a, R, const N: usize> {
    rule: R,
    data: [&'a mut [f32]; N],
    g: &'a [f32],
}

/// Room for a vector of any set.
const WIDEST: usize = 16;

impl<R: Rule<N>, const N: usize> WithSimd for Pass<'_, R, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let whole = self.g.len() - self.g.len() % S::LANES;
        for at in (0..whole).step_by(S::LANES) {
            let mut vectors = [simd.splat(0.0); N];
            for (v, data) in vectors.iter_mut().zip(&self.data) {
                *v = simd.load(&data[at..]);
            }
            let stepped = self.rule.step(simd, vectors, simd.load(&self.g[at..]));
            for (v, data) in stepped.into_iter().zip(&mut self.data) {
                simd.store(&mut data[at..], v);
            }
        }
        let rest = self.g.len() - whole;
        if rest == 0 {
            return;
        }
        let mut vectors = [simd.splat(0.0); N];
        for (v, data) in vectors.iter_mut().zip(&self.data) {
            *v = simd.load(&padded(&data[whole..]));
        }
        let stepped = self
            .rule
            .step(simd, vectors, simd.load(&padded(&self.g[whole..])));
        for (v, data) in stepped.into_iter().zip(&mut self.data) {
            let mut lanes = [0.0; WIDEST];
            simd.store(&mut lanes, v);
            data[whole..].copy_from_slice(&lanes[..rest]);
        }
    }
}

/// What is left after the last full vector, zeros behind it.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; WIDEST] {
    let mut lanes = [0.0; WIDEST];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}

/// `g` plus the gradient of the penalty at `w`.
#[inline(always)]
fn penalized<S: Simd>(simd: S, g: S::V, w: S::V, penalty: Penalty) -> S::V {
    let g = simd.mul_add(simd.splat((2.0 * penalty.l2) as f32), w, g);
    if penalty.l1 == 0.0 {
        return g;
    }
    let l1 = simd.splat(penalty.l1 as f32);
    let negative = simd.sub(simd.splat(0.0), w);
    simd.add(
        g,
        simd.sub(
            simd.where_positive(w, l1),
            simd.where_positive(negative, l1),
        ),
    )
}

#[derive(Clone, Copy)]
struct AdamRule<'a> {
    how: &'a Adam,
    penalty: Penalty,
}

impl Rule<3> for AdamRule<'_> {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [w, m, v]: [S::V; 3], g: S::V) -> [S::V; 3] {
        let how = self.how;
        let g = penalized(simd, g, w, self.penalty);
        let rest_1 = simd.splat((1.0 - how.beta_1) as f32);
        let rest_2 = simd.splat((1.0 - how.beta_2) as f32);
        let m = simd.flush_subnormal(simd.mul_add(simd.sub(g, m), rest_1, m));
        let v = simd.flush_subnormal(simd.mul_add(simd.sub(simd.mul(g, g), v), rest_2, v));
        let root = simd.add(simd.sqrt(v), simd.splat(how.epsilon as f32));
        let change = simd.div(simd.mul(simd.splat(how.alpha as f32), m), root);
        let kept = simd.mul(w, simd.splat((1.0 - how.decay) as f32));
        [simd.flush_subnormal(simd.sub(kept, change)), m, v]
    }
}

#[derive(Clone, Copy)]
struct SgdRule<'a> {
    how: &'a Sgd,
    penalty: Penalty,
}

impl SgdRule<'_> {
    #[inline(always)]
    fn change<S: Simd>(self, simd: S, w: S::V, g: S::V) -> S::V {
        let rate = simd.splat(self.how.learning_rate as f32);
        simd.mul(rate, penalized(simd, g, w, self.penalty))
    }
}

impl Rule<1> for SgdRule<'_> {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [w]: [S::V; 1], g: S::V) -> [S::V; 1] {
        [simd.flush_subnormal(simd.sub(w, self.change(simd, w, g)))]
    }
}

impl Rule<2> for SgdRule<'_> {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [w, v]: [S::V; 2], g: S::V) -> [S::V; 2] {
        let change = self.change(simd, w, g);
        let momentum = simd.splat(self.how.momentum as f32);
        let v = simd.flush_subnormal(simd.sub(simd.mul(momentum, v), change));
        let ahead = if self.how.nesterov {
            simd.sub(simd.mul(momentum, v), change)
        } else {
            v
        };
        [simd.flush_subnormal(simd.add(w, ahead)), v]
    }
}
