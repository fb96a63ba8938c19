//! The maxima of 2×2 windows, with or without which of the four won.

use crate::kernels::geometry::ConvGeometry;
use crate::simd::sparse::DEAD;
use crate::simd::{Simd, WithSimd};

/// Height and width of the pooled output.
pub(super) fn pooled(g: &ConvGeometry) -> [usize; 2] {
    [g.rows.outputs / 2, g.columns.outputs / 2]
}

/// The maxima of the 2×2 windows of two rows, and who won.
pub(crate) struct MaximaAndWinners<'a> {
    pub(crate) pair: &'a [f32],
    pub(crate) filters: usize,
    pub(crate) y: &'a mut [f32],
    pub(crate) winners: &'a mut [u8],
}

impl WithSimd for MaximaAndWinners<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (filters, (top, bottom)) = (self.filters, self.pair.split_at(self.pair.len() / 2));
        let windows = top
            .chunks_exact(2 * filters)
            .zip(bottom.chunks_exact(2 * filters));
        let outputs = self
            .y
            .chunks_exact_mut(filters)
            .zip(self.winners.chunks_exact_mut(filters));
        for ((top, bottom), (y, winners)) in windows.zip(outputs) {
            let ((a, b), (c, d)) = (top.split_at(filters), bottom.split_at(filters));
            for i in 0..filters {
                let mut best = (a[i], 0);
                for (tap, value) in [(1, b[i]), (2, c[i]), (3, d[i])] {
                    best = if value > best.0 || value.is_nan() {
                        (value, tap)
                    } else {
                        best
                    };
                }
                y[i] = best.0;
                winners[i] = if best.0 > 0.0 { best.1 } else { DEAD };
            }
        }
    }
}

/// The maxima of the 2×2 windows of two rows.
pub(crate) struct Maxima<'a> {
    pub(crate) pair: &'a [f32],
    pub(crate) filters: usize,
    pub(crate) y: &'a mut [f32],
}

impl WithSimd for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (filters, (top, bottom)) = (self.filters, self.pair.split_at(self.pair.len() / 2));
        let windows = top
            .chunks_exact(2 * filters)
            .zip(bottom.chunks_exact(2 * filters));
        for ((top, bottom), y) in windows.zip(self.y.chunks_exact_mut(filters)) {
            let ((a, b), (c, d)) = (top.split_at(filters), bottom.split_at(filters));
            for i in 0..filters {
                y[i] = larger(larger(a[i], b[i]), larger(c[i], d[i]));
            }
        }
    }
}

/// The larger of the two; NaN if one is.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}
