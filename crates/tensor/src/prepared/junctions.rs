//! Where values of several layers meet.

use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Values of one task: below twice as many, handing work over would take longer than doing it.
const PIECE: usize = 1 << 15;

/// Whether so many values are cut into tasks.
pub fn is_cut_by_pieces(values: usize) -> bool {
    values >= 2 * PIECE
}

/// y += x, value by value.
pub fn add_in_place(y: &mut [f32], x: &[f32]) {
    if is_cut_by_pieces(y.len()) {
        let pieces = y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE));
        pieces.for_each(|(y, x)| dispatch(Add { y, x }));
    } else {
        dispatch(Add { y, x });
    }
}

struct Add<'a> {
    y: &'a mut [f32],
    x: &'a [f32],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y += x;
        }
    }
}
