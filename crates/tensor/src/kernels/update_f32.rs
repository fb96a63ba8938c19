//! The passes of [`super::update`] for f32: the rule on vectors of the instruction set in use.

use super::magnitude;
use super::update::{LEAST_WEIGHT, Numbers, Passes, Penalty, Piece, Rule, Slot};
use crate::simd::{Simd, WithSimd, dispatch};
use std::ops::{Add, Div, Mul, Sub};

impl Passes for f32 {
    fn pass<const SLOTS: usize>(rule: impl Rule<SLOTS>, piece: Piece<'_, f32, SLOTS>) {
        update(rule, piece);
    }

    fn magnitude(piece: &[f32]) -> f64 {
        magnitude::of_f32(piece)
    }
}

/// One piece of a weight.
fn update<const SLOTS: usize>(rule: impl Rule<SLOTS>, piece: Piece<'_, f32, SLOTS>) {
    dispatch(Pass { rule, piece });
}

struct Pass<'a, R, const SLOTS: usize> {
    rule: R,
    piece: Piece<'a, f32, SLOTS>,
}

/// Room for a vector of any set.
const WIDEST: usize = 16;

impl<R: Rule<SLOTS>, const SLOTS: usize> WithSimd for Pass<'_, R, SLOTS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Pass { rule, mut piece } = self;
        let penalty = piece.penalty;
        let empty = Slot(Vector::splat(simd, 0.0));
        let whole = piece.gradient.len() - piece.gradient.len() % S::LANES;
        for at in (0..whole).step_by(S::LANES) {
            let mut slots = [empty; SLOTS];
            for (slot, data) in slots.iter_mut().zip(&piece.slots) {
                slot.0 = Vector::load(simd, &data[at..]);
            }
            let w = Vector::load(simd, &piece.weight[at..]);
            let g = Vector::load(simd, &piece.gradient[at..]).penalized(w, penalty);
            let w = rule.step(w, g, &mut slots).flush_weight();
            w.store(&mut piece.weight[at..]);
            for (slot, data) in slots.iter().zip(&mut piece.slots) {
                slot.0.store(&mut data[at..]);
            }
        }
        let rest = piece.gradient.len() - whole;
        if rest == 0 {
            return;
        }
        let mut slots = [empty; SLOTS];
        for (slot, data) in slots.iter_mut().zip(&piece.slots) {
            slot.0 = Vector::load(simd, &padded(&data[whole..]));
        }
        let w = Vector::load(simd, &padded(&piece.weight[whole..]));
        let g = Vector::load(simd, &padded(&piece.gradient[whole..])).penalized(w, penalty);
        let w = rule.step(w, g, &mut slots).flush_weight();
        w.store_first(&mut piece.weight[whole..]);
        for (slot, data) in slots.iter().zip(&mut piece.slots) {
            slot.0.store_first(&mut data[whole..]);
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

/// A vector that brings its instruction set along, so that rules can write `a + b`.
#[derive(Clone, Copy)]
struct Vector<S: Simd> {
    simd: S,
    v: S::V,
}

impl<S: Simd> Vector<S> {
    #[inline(always)]
    fn splat(simd: S, value: f32) -> Self {
        let v = simd.splat(value);
        Vector { simd, v }
    }

    #[inline(always)]
    fn load(simd: S, from: &[f32]) -> Self {
        let v = simd.load(from);
        Vector { simd, v }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        self.simd.store(to, self.v);
    }

    /// Stores as many lanes as there is room for.
    #[inline(always)]
    fn store_first(self, to: &mut [f32]) {
        let mut lanes = [0.0; WIDEST];
        self.store(&mut lanes);
        let count = to.len();
        to.copy_from_slice(&lanes[..count]);
    }

    /// A gradient, and that of the penalty at `w`.
    #[inline(always)]
    fn penalized(self, w: Self, penalty: Penalty) -> Self {
        let g = self.add_scaled(w, 2.0 * penalty.l2);
        if penalty.l1 == 0.0 {
            return g;
        }
        let (zero, l1) = (self.all(0.0), self.all(penalty.l1));
        g + (w.where_positive(l1) - (zero - w).where_positive(l1))
    }
}

impl<S: Simd> Numbers for Vector<S> {
    #[inline(always)]
    fn all(self, number: f64) -> Self {
        Vector::splat(self.simd, number as f32)
    }
    #[inline(always)]
    fn add_scaled(self, other: Self, factor: f64) -> Self {
        let v = self.simd.mul_add(self.all(factor).v, other.v, self.v);
        Vector { v, ..self }
    }
    #[inline(always)]
    fn less(self, fraction: f64) -> Self {
        self * (1.0 - fraction)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let v = self.simd.sqrt(self.v);
        Vector { v, ..self }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.larger(self.all(0.0) - self)
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        let v = self.simd.larger(self.v, other.v);
        Vector { v, ..self }
    }
    #[inline(always)]
    fn where_positive(self, value: Self) -> Self {
        let v = self.simd.where_positive(self.v, value.v);
        Vector { v, ..self }
    }
    #[inline(always)]
    fn flush_subnormal(self) -> Self {
        let v = self.simd.flush_below(self.v, f32::MIN_POSITIVE);
        Vector { v, ..self }
    }
    #[inline(always)]
    fn flush_weight(self) -> Self {
        let v = self.simd.flush_below(self.v, LEAST_WEIGHT);
        Vector { v, ..self }
    }
}

impl<S: Simd> Add for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let v = self.simd.add(self.v, other.v);
        Vector { v, ..self }
    }
}

impl<S: Simd> Sub for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let v = self.simd.sub(self.v, other.v);
        Vector { v, ..self }
    }
}

impl<S: Simd> Mul for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let v = self.simd.mul(self.v, other.v);
        Vector { v, ..self }
    }
}

impl<S: Simd> Div for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let v = self.simd.div(self.v, other.v);
        Vector { v, ..self }
    }
}

impl<S: Simd> Add<f64> for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, number: f64) -> Self {
        self + self.all(number)
    }
}

impl<S: Simd> Mul<f64> for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, number: f64) -> Self {
        self * self.all(number)
    }
}
