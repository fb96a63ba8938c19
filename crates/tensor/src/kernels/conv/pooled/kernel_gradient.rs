//! The gradients of kernel and bias, summed over the positions that won.

use crate::kernels::conv::maxima::pooled;
use crate::kernels::conv::padding::with_padding;
use crate::kernels::cut::sum_images;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::scratch;
use crate::simd::sparse::{Gather, survivors};
use crate::simd::{Simd, WithSimd, dispatch};

/// Windows down that one pass over the output channels takes: their input stays in the L1 cache.
const BAND: usize = 4;

/// Gradients of kernel and bias. `scale` is dropout's factor.
pub(super) fn kernel_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    x: &[f32],
    scale: f32,
    dk: &mut [f32],
    db: &mut [f32],
) {
    let [height, width] = pooled(g);
    let image = height * width * g.filters;
    scratch::with(dk.len() + db.len(), |total| {
        sum_images(g.n, g.products() / 4, total, |images, sums| {
            sums.fill(0.0);
            let (dk, db) = sums.split_at_mut(dk.len());
            for number in images {
                let (dy, winners) = (
                    &dy[number * image..][..image],
                    &winners[number * image..][..image],
                );
                with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                    scratch::with(survivors(BAND * width), |list| {
                        dispatch(SparseKernelGradient {
                            g,
                            x,
                            dy,
                            winners,
                            dk: &mut *dk,
                            db: &mut *db,
                            list,
                        });
                    });
                });
            }
        });
        let (sums, bias) = total.split_at(dk.len());
        let taps = dk.len() / g.filters;
        for (tap, row) in dk.chunks_exact_mut(g.filters).enumerate() {
            for (co, value) in row.iter_mut().enumerate() {
                *value = scale * sums[co * taps + tap];
            }
        }
        db.iter_mut()
            .zip(bias)
            .for_each(|(d, &sum)| *d = scale * sum);
    });
}

/// Adds one image's share: `dk` is `[out, kh, kw · in]` here.
struct SparseKernelGradient<'a> {
    g: &'a ConvGeometry,
    x: &'a [f32],
    dy: &'a [f32],
    winners: &'a [u8],
    dk: &'a mut [f32],
    db: &'a mut [f32],
    /// Working memory.
    list: &'a mut [f32],
}

impl WithSimd for SparseKernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let SparseKernelGradient {
            g,
            x,
            dy,
            winners,
            dk,
            db,
            list,
        } = self;
        let ([height, width], channels) = (pooled(g), g.channels);
        let row = g.columns.padded() * channels;
        let (down, across) = (row, channels);
        let (run_step, runs) = (row, g.rows.taps);
        let length = g.columns.taps * channels;
        for first in (0..height).step_by(BAND) {
            let at = first * width * g.filters;
            let gather = Gather {
                x: &x[2 * first * down..],
                dy: &dy[at..],
                winners: &winners[at..],
                filters: g.filters,
                windows: [BAND.min(height - first), width],
                x_step: [2 * down, 2 * across],
                offsets: [0, across, down, down + across],
                run_step,
            };
            gather.run(simd, [runs, length], dk, db, list);
        }
    }
}
