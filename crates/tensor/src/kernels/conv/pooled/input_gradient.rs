//! The gradient of the input, to which each position that won gives its patch.

use crate::kernels::conv::maxima::pooled;
use crate::kernels::conv::padding::crop;
use crate::kernels::cut::each_image;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::scratch;
use crate::simd::sparse::Scatter;
use crate::simd::{Simd, WithSimd, dispatch};

/// The gradient of the input. `scale` is dropout's factor.
pub(super) fn input_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    kernel: &[f32],
    scale: f32,
    dx: &mut [f32],
) {
    let [height, width] = pooled(g);
    let image = height * width * g.filters;
    let lanes = dispatch(Lanes);
    let pieces = g.channels.div_ceil(lanes);
    scratch::with(
        pieces * g.filters * g.rows.taps * g.columns.taps * lanes,
        |by_filter| {
            regroup(g, kernel, scale, lanes, by_filter);
            let by_filter = &*by_filter;
            each_image(dx, g.image(), g.products() / 4, |number, dx| {
                let at = number * image;
                let (dy, winners) = (&dy[at..][..image], &winners[at..][..image]);
                let padded = g.rows.padded() * g.columns.padded() * g.channels;
                if padded == dx.len() {
                    dx.fill(0.0);
                    dispatch(SparseInputGradient {
                        g,
                        dy,
                        winners,
                        kernel: by_filter,
                        dx,
                    });
                    return;
                }
                scratch::with(padded, |full| {
                    full.fill(0.0);
                    dispatch(SparseInputGradient {
                        g,
                        dy,
                        winners,
                        kernel: by_filter,
                        dx: &mut *full,
                    });
                    crop(g, full, dx);
                });
            });
        },
    );
}

/// How many lanes the set in use has.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}

/// `[kh, kw, in, out]` → `[piece of in, out, kh, kw, lanes]`, scaled; lanes beyond the channels are 0.
fn regroup(g: &ConvGeometry, kernel: &[f32], scale: f32, lanes: usize, by_filter: &mut [f32]) {
    let taps = g.rows.taps * g.columns.taps;
    by_filter.fill(0.0);
    for (tap, kernel) in kernel.chunks_exact(g.channels * g.filters).enumerate() {
        for (ci, kernel) in kernel.chunks_exact(g.filters).enumerate() {
            for (co, &value) in kernel.iter().enumerate() {
                by_filter[((ci / lanes * g.filters + co) * taps + tap) * lanes + ci % lanes] =
                    scale * value;
            }
        }
    }
}

/// One image, channels in vectors, window by window.
struct SparseInputGradient<'a> {
    g: &'a ConvGeometry,
    dy: &'a [f32],
    winners: &'a [u8],
    kernel: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for SparseInputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let SparseInputGradient {
            g,
            dy,
            winners,
            kernel,
            dx,
        } = self;
        let ([_, width], channels) = (pooled(g), g.channels);
        let row = g.columns.padded() * channels;
        let per_piece = g.filters * g.rows.taps * g.columns.taps * S::LANES;
        for (piece, kernel) in kernel.chunks_exact(per_piece).enumerate() {
            let first = piece * S::LANES;
            let windows = dy
                .chunks_exact(g.filters)
                .zip(winners.chunks_exact(g.filters));
            for (window, (dy, winners)) in windows.enumerate() {
                let at = window / width * 2 * row + window % width * 2 * channels + first;
                let scatter = Scatter {
                    dy,
                    winners,
                    kernel,
                    taps: [g.rows.taps, g.columns.taps],
                    dx: &mut dx[at..],
                    dx_step: [row, channels],
                    channels: S::LANES.min(channels - first),
                };
                scatter.run(simd);
            }
        }
    }
}
