//! Forward: a tile or two rows of the convolution, then their maxima.

use crate::kernels::arguments::{After, Epilogue};
use crate::kernels::conv::direct::ForwardRows;
use crate::kernels::conv::maxima::{MaximaAndWinners, pooled};
use crate::kernels::conv::padding::with_padding;
use crate::kernels::conv::plane::{Plane, rows_per_task};
use crate::kernels::conv::way::Way;
use crate::kernels::conv::winograd::{self, Order, Target};
use crate::kernels::cut::{images_per_task, together};
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::{elementwise, scratch};
use crate::simd::dispatch;
use rayon::prelude::*;

/// Two rows of the convolution at a time into working memory that stays in the L1 cache, then their maxima.
pub(crate) fn forward(
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    y: &mut [f32],
    winners: &mut [u8],
) {
    let ([height, width], filters) = (pooled(g), g.filters);
    let (image, row) = (height * width * filters, width * filters);
    if g.n * image == 0 {
        return;
    }
    let plane = Plane::forward(g);
    if let Way::Winograd(tiling) = Way::of(&plane) {
        let after = After {
            bias,
            addend: None,
            epilogue: *epilogue,
        };
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::with_kernel(tiling, kernel, after, lend, |convolution| {
            convolution.run(Target::Pooled(y, winners), Order::Blocks);
        });
    }
    let per_task = images_per_task(g.n);
    let rows = rows_per_task(&plane).div_ceil(2);
    let images = y
        .par_chunks_mut(per_task * image)
        .zip(winners.par_chunks_mut(per_task * image));
    let images = images.with_min_len(together(per_task * g.products()));
    images.enumerate().for_each(|(task, (y, winners))| {
        for (i, (y, winners)) in y
            .chunks_exact_mut(image)
            .zip(winners.chunks_exact_mut(image))
            .enumerate()
        {
            let number = task * per_task + i;
            with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                let part = |(task, (y, winners)): (usize, (&mut [f32], &mut [u8]))| {
                    let (first, position) = (task * rows, number * g.output());
                    pooled_rows(
                        &plane, x, kernel, bias, epilogue, first, position, y, winners,
                    );
                };
                if rows >= height {
                    return part((0, (y, winners)));
                }
                let parts = y
                    .par_chunks_mut(rows * row)
                    .zip(winners.par_chunks_mut(rows * row));
                let parts = parts.with_min_len(together(2 * rows * plane.row_products()));
                parts.enumerate().for_each(part);
            });
        }
    });
}

/// Pooled rows `first..` of an image, as many as `y` holds.
#[allow(clippy::too_many_arguments)]
fn pooled_rows(
    plane: &Plane,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    first: usize,
    position: usize,
    y: &mut [f32],
    winners: &mut [u8],
) {
    let (full, row) = (
        plane.output[1] * plane.filters,
        plane.output[1] / 2 * plane.filters,
    );
    scratch::with(2 * full, |pair| {
        for (i, (y, winners)) in y
            .chunks_exact_mut(row)
            .zip(winners.chunks_exact_mut(row))
            .enumerate()
        {
            let first = 2 * (first + i);
            dispatch(ForwardRows {
                plane: *plane,
                x,
                kernel,
                bias,
                relu: true,
                first,
                y: &mut *pair,
            });
            if let Some(dropout) = epilogue.dropout {
                elementwise::dropout_in_place(pair, &dropout, position + first * full);
            }
            dispatch(MaximaAndWinners {
                pair,
                filters: plane.filters,
                y,
                winners,
            });
        }
    });
}
