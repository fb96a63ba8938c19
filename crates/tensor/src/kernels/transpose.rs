//! A matrix written with rows and columns changed, squares of vectors at a time.

use crate::matrix::MatrixRef;
use crate::simd::{Simd, WithSimd, transposed};

/// Writes `b`, whose columns are contiguous, with contiguous rows.
pub(super) struct Transpose<'a> {
    pub(super) b: MatrixRef<'a, f32>,
    pub(super) packed: &'a mut [f32],
}

impl WithSimd for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let MatrixRef {
            values,
            rows,
            columns,
            column_stride,
            ..
        } = self.b;
        for column in (0..columns).step_by(S::LANES) {
            for row in (0..rows).step_by(S::LANES) {
                let from = &values[column * column_stride + row..];
                let to = &mut self.packed[row * columns + column..];
                let (width, height) = (columns - column, rows - row);
                if width >= S::LANES && height >= S::LANES {
                    transpose(simd, from, column_stride, to, columns);
                    continue;
                }
                for i in 0..height.min(S::LANES) {
                    for j in 0..width.min(S::LANES) {
                        to[i * columns + j] = from[j * column_stride + i];
                    }
                }
            }
        }
    }
}

/// `to[i][j] = from[j][i]` for as many rows and columns as a vector has lanes; rows are `from_step` and `to_step` apart.
#[inline(always)]
fn transpose<S: Simd>(simd: S, from: &[f32], from_step: usize, to: &mut [f32], to_step: usize) {
    let mut rows = [simd.splat(0.0); 16];
    for (j, row) in rows[..S::LANES].iter_mut().enumerate() {
        *row = simd.load(&from[j * from_step..]);
    }
    let rows = transposed(simd, rows);
    for (i, &row) in rows[..S::LANES].iter().enumerate() {
        simd.store(&mut to[i * to_step..], row);
    }
}
