//! The largest magnitude of a tensor, as fast as memory is read: an optimizer asks it of every gradient before it writes.

use super::cut::PIECE;
use super::update::Passes;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// The largest |x| in each of these slices, 0 in an empty one; not finite where a number is not (NaN where one is NaN). All
/// slices are looked at side by side.
///
/// ```
/// use taper_tensor::kernels::magnitudes;
/// assert_eq!(magnitudes(&[&[1.0f32, -3.0][..], &[]]), [3.0, 0.0]);
/// assert!(magnitudes(&[&[1.0, f64::NAN, f64::INFINITY]])[0].is_nan());
/// ```
#[must_use]
pub fn magnitudes<E: Passes>(slices: &[&[E]]) -> Vec<f64> {
    let piece = |(index, piece): (usize, &[E])| (index, E::magnitude(piece));
    let pieces = slices.iter().enumerate().flat_map(|(index, slice)| {
        let pieces = slice.chunks(PIECE);
        pieces.map(move |piece| (index, piece))
    });
    let all: usize = slices.iter().map(|slice| slice.len()).sum();
    let found: Vec<(usize, f64)> = if all <= PIECE {
        pieces.map(piece).collect()
    } else {
        let pieces: Vec<_> = pieces.collect();
        pieces.into_par_iter().map(piece).collect()
    };
    let mut largest = vec![0.0; slices.len()];
    for (index, value) in found {
        largest[index] = larger(largest[index], value);
    }
    largest
}

/// NaN where one is.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// That of one piece.
pub(super) fn of_f32(piece: &[f32]) -> f64 {
    f64::from(dispatch(Largest { piece }))
}

struct Largest<'a> {
    piece: &'a [f32],
}

/// Vectors that are under way at a time.
const SIDE_BY_SIDE: usize = 4;

impl WithSimd for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let mut best = [simd.splat(0.0); SIDE_BY_SIDE];
        let step = SIDE_BY_SIDE * S::LANES;
        let whole = self.piece.len() - self.piece.len() % step;
        for at in (0..whole).step_by(step) {
            for (i, best) in best.iter_mut().enumerate() {
                let value = simd.load(&self.piece[at + i * S::LANES..]);
                *best = simd.larger_magnitude(*best, value);
            }
        }
        let mut lanes = [0.0f32; 16];
        let mut bits = 0;
        for best in best {
            simd.store(&mut lanes, best);
            bits = lanes.iter().map(|x| x.to_bits()).fold(bits, u32::max);
        }
        for x in &self.piece[whole..] {
            bits = bits.max(x.abs().to_bits());
        }
        f32::from_bits(bits)
    }
}
