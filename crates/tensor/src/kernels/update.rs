//! One pass over a weight, its gradient and what an optimizer keeps beside them, for any [`Rule`]. An optimizer says what
//! happens to one number; cutting, vectors, the penalty's gradient and the flush of subnormals are the same for all.

use super::cut::PIECE;
use crate::scalar::Scalar;
use std::ops::{Add, Div, Mul, Sub};

/// Coefficients of a weight penalty `l1·Σ|w| + l2·Σw²`; its gradient is `l1·sign(w) + 2·l2·w`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// Factor of Σ|w|.
    pub l1: f64,
    /// Factor of Σw² (no ½).
    pub l2: f64,
}

/// What passes over a piece: vectors of the instruction set in use for f32, one number after the other for f64.
pub trait Passes: Scalar {
    /// One piece of an optimizer's pass.
    fn pass<const SLOTS: usize>(rule: impl Rule<SLOTS>, piece: Piece<'_, Self, SLOTS>);
    /// The largest magnitude in a piece. See [`magnitudes`](super::magnitudes).
    fn magnitude(piece: &[Self]) -> f64;
}

/// What an optimizer does to one number of a weight, which has `SLOTS` numbers beside it (moments, running means).
///
/// It is written once over [`Numbers`] and compiled for the vectors of every instruction set, for which `step` must be
/// `#[inline(always)]`, and for plain f64, by which the vectors are checked.
///
/// ```
/// use taper_tensor::kernels::update::{Numbers, Penalty, Rule, Slot};
///
/// /// `m += (g − m)·rest`, `w −= rate·m`.
/// #[derive(Clone, Copy)]
/// struct Smooth { rate: f64, rest: f64 }
///
/// impl Rule<1> for Smooth {
///     #[inline(always)]
///     fn step<V: Numbers>(self, w: V, g: V, [m]: &mut [Slot<V>; 1]) -> V {
///         let m = m.set(m.get().add_scaled(g - m.get(), self.rest));
///         w - m * self.rate
///     }
/// }
///
/// let (mut w, mut m) = ([1.0f64, 2.0], [0.0, 0.0]);
/// let rule = Smooth { rate: 0.5, rest: 0.5 };
/// rule.update(&mut w, &[1.0, -1.0], &mut [&mut m], Penalty { l1: 0.0, l2: 0.5 });
/// assert_eq!(m, [1.0, 0.5]); // gradients with that of the penalty, 2·0.5·w: [2, 1]
/// assert_eq!(w, [0.5, 1.75]);
/// ```
pub trait Rule<const SLOTS: usize>: Copy + Send + Sync {
    /// The new value of `w`, whose gradient, that of the penalty included, is `g`.
    fn step<V: Numbers>(self, w: V, g: V, slots: &mut [Slot<V>; SLOTS]) -> V;

    /// One step of a weight: one pass over it, its gradient and its slots, in parallel.
    ///
    /// It is compiled where it is first used for an element type, never inlined, so that a crate which is built without
    /// optimization does not run an unoptimized copy of a pass that the crate of its optimizer has.
    ///
    /// # Panics
    /// When there are not `SLOTS` slots, or lengths differ.
    #[inline(never)]
    fn update<E: Passes>(
        self,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let found = slots.len();
        let Ok(slots) = <&mut [&mut [E]; SLOTS]>::try_from(slots) else {
            panic!("update: the rule has {SLOTS} slots, {found} are given");
        };
        let piece = Piece {
            weight,
            gradient,
            slots: slots.each_mut().map(|slot| &mut **slot),
            penalty,
        };
        let length = piece.weight.len();
        let fits = piece.gradient.len() == length && piece.slots.iter().all(|s| s.len() == length);
        assert!(fits, "update: lengths differ");
        cut(self, piece);
    }
}

/// A number that an optimizer keeps beside one of a weight.
#[derive(Clone, Copy, Debug)]
pub struct Slot<V>(pub(crate) V);

impl<V: Numbers> Slot<V> {
    /// What is kept.
    #[inline(always)]
    pub fn get(&self) -> V {
        self.0
    }

    /// Keeps `value`, or 0 where it is subnormal, and returns what is kept.
    #[inline(always)]
    pub fn set(&mut self, value: V) -> V {
        self.0 = value.flush_subnormal();
        self.0
    }
}

/// The arithmetic of a [`Rule`]: on a vector of an instruction set, whose lanes all go the same way, or on one plain number.
/// NaN stays NaN in every operation but [`where_positive`](Self::where_positive).
pub trait Numbers:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// `number` in every lane; `self` only says what kind of numbers these are.
    fn all(self, number: f64) -> Self;
    /// `self + other · factor`, rounded once where the instruction set can do that.
    fn add_scaled(self, other: Self, factor: f64) -> Self;
    /// `self` less this fraction of it, as decoupled weight decay takes it off. Vectors multiply by `1 − fraction`.
    fn less(self, fraction: f64) -> Self;
    /// √self
    fn sqrt(self) -> Self;
    /// |self|
    fn abs(self) -> Self;
    /// The larger of both; NaN when one is.
    fn larger(self, other: Self) -> Self;
    /// `value` where `self > 0`, 0 elsewhere (also where `self` is NaN).
    fn where_positive(self, value: Self) -> Self;
    /// `self`, or 0 where it is subnormal: such numbers would slow every later operation on them.
    fn flush_subnormal(self) -> Self;
    /// A new weight, or 0 where it is so near to 0 that products with it would be subnormal: in f32 below 2⁻⁶⁴, in f64
    /// where it is subnormal itself. Under L2 most weights shrink without end, and on some processors a product that is
    /// subnormal takes a hundred times as long.
    fn flush_weight(self) -> Self;
}

/// The smallest weight in f32 that is kept.
pub(super) const LEAST_WEIGHT: f32 = 1.0 / (1u128 << 64) as f32;

impl Numbers for f64 {
    #[inline(always)]
    fn all(self, number: f64) -> f64 {
        number
    }
    #[inline(always)]
    fn add_scaled(self, other: f64, factor: f64) -> f64 {
        self + other * factor
    }
    #[inline(always)]
    fn less(self, fraction: f64) -> f64 {
        self - self * fraction
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn larger(self, other: f64) -> f64 {
        if self > other || self.is_nan() {
            self
        } else {
            other
        }
    }
    #[inline(always)]
    fn where_positive(self, value: f64) -> f64 {
        if self > 0.0 { value } else { 0.0 }
    }
    #[inline(always)]
    fn flush_weight(self) -> f64 {
        self.flush_subnormal()
    }
    #[inline(always)]
    fn flush_subnormal(self) -> f64 {
        if self.abs() < f64::MIN_POSITIVE {
            0.0
        } else {
            self
        }
    }
}

/// A part of a weight with what belongs to it: slices of one length.
#[doc(hidden)]
#[derive(Debug)]
pub struct Piece<'a, E, const SLOTS: usize> {
    pub(crate) weight: &'a mut [E],
    pub(crate) gradient: &'a [E],
    pub(crate) slots: [&'a mut [E]; SLOTS],
    pub(crate) penalty: Penalty,
}

impl<E, const SLOTS: usize> Piece<'_, E, SLOTS> {
    fn split_at(mut self, at: usize) -> (Self, Self) {
        let (weight, rest_of_weight) = self.weight.split_at_mut(at);
        let (gradient, rest_of_gradient) = self.gradient.split_at(at);
        let mut rest_of_slots = [(); SLOTS].map(|()| <&mut [E]>::default());
        for (slot, rest_of_slot) in self.slots.iter_mut().zip(&mut rest_of_slots) {
            (*slot, *rest_of_slot) = std::mem::take(slot).split_at_mut(at);
        }
        let rest = Piece {
            weight: rest_of_weight,
            gradient: rest_of_gradient,
            slots: rest_of_slots,
            penalty: self.penalty,
        };
        (
            Piece {
                weight,
                gradient,
                ..self
            },
            rest,
        )
    }
}

/// Halves, down to pieces of at most [`PIECE`] numbers, side by side.
fn cut<E: Passes, const SLOTS: usize>(rule: impl Rule<SLOTS>, piece: Piece<'_, E, SLOTS>) {
    let pieces = piece.weight.len().div_ceil(PIECE);
    if pieces <= 1 {
        return E::pass(rule, piece);
    }
    let (first, second) = piece.split_at(pieces / 2 * PIECE);
    rayon::join(|| cut(rule, first), || cut(rule, second));
}
