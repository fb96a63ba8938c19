//! What follows a product in place, one thread alone: activations, and a scale and shift a channel.

use crate::simd::{Simd, WithSimd, dispatch};
use crate::tensor::{log_softmax_row, softmax_row, sparsemax_row};

/// max(x, 0); NaN stays NaN.
pub fn relu_in_place(x: &mut [f32]) {
    dispatch(Relu(x));
}

struct Relu<'a>(&'a mut [f32]);

impl WithSimd for Relu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for x in self.0 {
            *x = if *x < 0.0 { 0.0 } else { *x };
        }
    }
}

/// `scale[c] · x + shift[c]` for values whose last axis are the channels c.
pub fn scale_and_shift_in_place(x: &mut [f32], scale: &[f32], shift: &[f32]) {
    dispatch(ScaleAndShift { x, scale, shift });
}

struct ScaleAndShift<'a> {
    x: &'a mut [f32],
    scale: &'a [f32],
    shift: &'a [f32],
}

impl WithSimd for ScaleAndShift<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for row in self.x.chunks_exact_mut(self.scale.len().max(1)) {
            for ((x, scale), shift) in row.iter_mut().zip(self.scale).zip(self.shift) {
                *x = scale * *x + shift;
            }
        }
    }
}

/// The logarithm of softmax of every row of `width` values, exactly as `Tensor::log_softmax` computes it.
pub fn log_softmax_rows_in_place(x: &mut [f32], width: usize) {
    if width > 0 {
        x.chunks_exact_mut(width).for_each(log_softmax_row);
    }
}

/// Sparsemax of every row of `width` values, exactly as `Tensor::sparsemax` computes it.
pub fn sparsemax_rows_in_place(x: &mut [f32], width: usize) {
    if width > 0 {
        x.chunks_exact_mut(width).for_each(sparsemax_row);
    }
}

/// Softmax of every row of `width` values, exactly as `Tensor::softmax` computes it.
pub fn softmax_rows_in_place(x: &mut [f32], width: usize) {
    if width > 0 {
        x.chunks_exact_mut(width).for_each(softmax_row);
    }
}
