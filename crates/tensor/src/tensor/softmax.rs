//! Softmax and its logarithm, without overflow: the maximum of a row is subtracted first.
//!
//! Rows with infinite logits follow the limit: equal maxima share the probability equally, whether they are finite, +∞
//! or −∞. (So a row of −∞ only, as a mask can produce, is the uniform distribution and not NaN.) A NaN makes its row NaN.

use super::Tensor;
use super::elementwise::greater;
use super::fold::fold;
use crate::kernels::math::Function;
use crate::walk::CHUNK;
use crate::{Element, Result, shape};
use rayon::prelude::*;

/// Softmax and relatives.
impl<E: Element> Tensor<E> {
    /// exp(xᵢ) / Σⱼ exp(xⱼ) along `axis`: positive numbers whose sum is 1. Equal maxima share equally even if they
    /// are infinite; a NaN makes its row NaN.
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn softmax(&self, axis: usize) -> Result<Self> {
        self.row_wise("softmax", axis, softmax_row)
    }

    /// ln(softmax), exact also where softmax underflows to 0.
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        self.row_wise("log_softmax", axis, log_softmax_row)
    }

    /// The point of the probability simplex that is nearest to x along `axis` (Martins, Astudillo 2016): max(xᵢ − τ, 0) with
    /// the τ for which the sum is 1. Infinities and NaN as in [`softmax`](Self::softmax).
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn sparsemax(&self, axis: usize) -> Result<Self> {
        self.row_wise("sparsemax", axis, sparsemax_row)
    }

    /// ln Σ exp(x) along `axis`, which disappears, or stays with length 1 if `keep_dims` is set. −∞ along an axis of
    /// length 0.
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn log_sum_exp(&self, axis: usize, keep_dims: bool) -> Result<Self> {
        shape::check_axis("log_sum_exp", axis, &self.shape)?;
        let rows = self.with_last(axis).contiguous();
        let width = self.shape[axis];
        let values = rows.values();
        let mut shape = self.shape.clone();
        shape[axis] = 1;
        let mut result = Tensor::filled(shape, |start, chunk| {
            let mut scratch = vec![E::zero(); width];
            for (i, slot) in (start..).zip(chunk) {
                scratch.copy_from_slice(&values[i * width..][..width]);
                let (max, sum) = exponentials(&mut scratch);
                *slot = if width == 0 {
                    E::neg_infinity()
                } else {
                    max + one(Function::Ln, sum)
                };
            }
        });
        if !keep_dims {
            result = result.squeeze(axis)?;
        }
        Ok(result)
    }

    /// A copy in which `change` has been applied to every row along `axis`.
    fn row_wise(
        &self,
        operation: &'static str,
        axis: usize,
        change: impl Fn(&mut [E]) + Sync,
    ) -> Result<Self> {
        shape::check_axis(operation, axis, &self.shape)?;
        let width = self.shape[axis];
        let mut rows = self.with_last(axis).packed();
        if !rows.is_empty() {
            let piece = (CHUNK / width).max(1) * width;
            let change_rows = |piece: &mut [E]| piece.chunks_exact_mut(width).for_each(&change);
            let values = rows.as_mut_slice();
            if values.len() > piece {
                values.par_chunks_mut(piece).for_each(change_rows);
            } else {
                change_rows(values);
            }
        }
        rows.shape[axis..].rotate_right(1);
        rows.strides[axis..].rotate_right(1);
        Ok(rows.contiguous())
    }
}

/// Softmax of one row, in place.
pub(crate) fn softmax_row<E: Element>(row: &mut [E]) {
    let (_, sum) = exponentials(row);
    let factor = sum.recip();
    row.iter_mut().for_each(|x| *x *= factor);
}

/// The logarithm of softmax of one row, in place.
pub(crate) fn log_softmax_row<E: Element>(row: &mut [E]) {
    let max = fold(row, E::neg_infinity(), greater);
    row.iter_mut().for_each(|x| *x = below_max(*x, max));
    let log_sum = one(Function::Ln, sum_of_exponentials(row));
    row.iter_mut().for_each(|x| *x -= log_sum);
}

/// Sparsemax of one row, in place. Less their maximum, the values above −1 contain the support; τ of too many values is too
/// small, and what is below it leaves, until none does (Michelot 1986).
pub(crate) fn sparsemax_row<E: Element>(row: &mut [E]) {
    let max = fold(row, E::neg_infinity(), greater);
    if max.is_nan() {
        return row.fill(max);
    }
    row.iter_mut().for_each(|x| *x = below_max(*x, max));
    let mut threshold = -E::one();
    loop {
        let (mut sum, mut count) = (E::zero(), E::zero());
        for x in row.iter().filter(|x| **x > threshold) {
            sum += *x;
            count += E::one();
        }
        let next = (sum - E::one()) / count;
        if next > threshold {
            threshold = next;
        } else {
            break;
        }
    }
    for x in row {
        *x = greater(*x - threshold, E::zero());
    }
}

/// Replaces x by exp(x − max); returns max and the sum of the new values.
fn exponentials<E: Element>(row: &mut [E]) -> (E, E) {
    let max = fold(row, E::neg_infinity(), greater);
    row.iter_mut().for_each(|x| *x = below_max(*x, max));
    E::apply_in_place(Function::Exp, row);
    (max, fold(row, E::zero(), |a, b| a + b))
}

/// The function of one number, to the bits of those that stand in a row.
fn one<E: Element>(function: Function, x: E) -> E {
    let mut values = [x];
    E::apply_in_place(function, &mut values);
    values[0]
}

/// x − max, and 0 for the maximum even if it is infinite.
fn below_max<E: Element>(x: E, max: E) -> E {
    if x == max { E::zero() } else { x - max }
}

/// Σ exp(x) without a copy: runs of fixed length are gathered on the stack and folded as every sum is.
fn sum_of_exponentials<E: Element>(row: &[E]) -> E {
    const RUN: usize = 64;
    let mut total = E::zero();
    for run in row.chunks(RUN) {
        let mut values = [E::zero(); RUN];
        let values = &mut values[..run.len()];
        E::apply(Function::Exp, run, values);
        total += fold(values, E::zero(), |a, b| a + b);
    }
    total
}
