//! Where values of several layers meet.

use super::Cut;
use crate::kernels::elementwise::AddInPlace;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Values of one task: below twice as many, handing work over would take longer than doing it.
const PIECE: usize = 1 << 15;

/// Whether so many values are cut into tasks.
pub fn is_cut_by_pieces(values: usize) -> bool {
    values >= 2 * PIECE
}

/// y = a + b, value by value.
pub fn add(a: &[f32], b: &[f32], y: &mut [f32], cut: Cut) {
    if cut == Cut::Tasks && is_cut_by_pieces(y.len()) {
        let inputs = a.par_chunks(PIECE).zip(b.par_chunks(PIECE));
        let pieces = y.par_chunks_mut(PIECE).zip(inputs);
        pieces.for_each(|(y, (a, b))| dispatch(Add { a, b, y }));
    } else {
        dispatch(Add { a, b, y });
    }
}

struct Add<'a> {
    a: &'a [f32],
    b: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for ((y, a), b) in self.y.iter_mut().zip(self.a).zip(self.b) {
            *y = a + b;
        }
    }
}

/// y += x, value by value.
pub fn add_in_place(y: &mut [f32], x: &[f32], cut: Cut) {
    if cut == Cut::Tasks && is_cut_by_pieces(y.len()) {
        let pieces = y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE));
        pieces.for_each(|(y, x)| dispatch(AddInPlace { y, x, relu: false }));
    } else {
        dispatch(AddInPlace { y, x, relu: false });
    }
}
