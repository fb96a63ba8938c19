//! f32 convolution + bias + relu (+ dropout) + 2×2 maximum in one pass, and its gradients at the positions that won.

use super::conv::{ForwardRows, Plane, add_partials, images_per_task, rows_per_task, with_padding};
use super::geometry::ConvGeometry;
use super::winograd::{self, Order, Target, Tiling};
use super::{Epilogue, conv, elementwise, scratch};
use crate::simd::sparse::{DEAD, Gather, Scatter, survivors};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// Height and width of the pooled output.
fn pooled(g: &ConvGeometry) -> [usize; 2] {
    [g.rows.outputs / 2, g.columns.outputs / 2]
}

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
    if let Some(tiling) = Tiling::of(&plane) {
        let epilogue = Epilogue {
            relu: true,
            ..*epilogue
        };
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::with_kernel(tiling, kernel, bias, &epilogue, lend, |convolution| {
            convolution.run(Target::Pooled(y, winners), Order::Blocks);
        });
    }
    let per_task = images_per_task(g.n);
    let rows = rows_per_task(&plane).div_ceil(2);
    let images = y
        .par_chunks_mut(per_task * image)
        .zip(winners.par_chunks_mut(per_task * image));
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

/// The maxima of the 2×2 windows of two rows, and who won.
pub(crate) struct MaximaAndWinners<'a> {
    pub(crate) pair: &'a [f32],
    pub(crate) filters: usize,
    pub(crate) y: &'a mut [f32],
    pub(crate) winners: &'a mut [u8],
}

impl Kernel for MaximaAndWinners<'_> {
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

impl Kernel for Maxima<'_> {
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
pub(super) fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// Gradients with respect to input (if wanted), kernel and bias. `scale` is dropout's factor.
#[allow(clippy::too_many_arguments)]
pub(crate) fn gradients(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    x: &[f32],
    kernel: &[f32],
    scale: f32,
    dx: Option<&mut [f32]>,
    dk: &mut [f32],
    db: &mut [f32],
) {
    let plain = [g.rows, g.columns]
        .iter()
        .all(|axis| axis.stride == 1 && axis.dilation == 1);
    if plain && g.columns.taps <= Scatter::MOST_COLUMNS {
        if let Some(dx) = dx {
            input_gradient(g, dy, winners, kernel, scale, dx);
        }
        return kernel_gradient(g, dy, winners, x, scale, dk, db);
    }
    // Any other geometry: spread the gradient over the convolution's output and take the dense way.
    scratch::with(g.n * g.output(), |full| {
        spread(g, dy, winners, scale, full);
        if let Some(dx) = dx {
            conv::input_gradient(g, full, kernel, dx);
        }
        conv::kernel_gradient(g, full, x, dk);
        elementwise::sum_rows(full, db);
    });
}

/// Windows down that one pass over the output channels takes: their input stays in the L1 cache.
const BAND: usize = 4;

fn kernel_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    x: &[f32],
    scale: f32,
    dk: &mut [f32],
    db: &mut [f32],
) {
    let ([height, width], per_task) = (pooled(g), images_per_task(g.n));
    let (image, len) = (height * width * g.filters, dk.len() + db.len());
    let tasks = g.n.div_ceil(per_task);
    if tasks == 0 {
        dk.fill(0.0);
        return db.fill(0.0);
    }
    scratch::with((tasks + 1) * len, |memory| {
        let (total, partial) = memory.split_at_mut(len);
        partial
            .par_chunks_mut(len)
            .enumerate()
            .for_each(|(task, sums)| {
                sums.fill(0.0);
                let (dk, db) = sums.split_at_mut(dk.len());
                for number in task * per_task..((task + 1) * per_task).min(g.n) {
                    let (dy, winners) = (
                        &dy[number * image..][..image],
                        &winners[number * image..][..image],
                    );
                    with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                        scratch::with(survivors(BAND * width), |list| {
                            dispatch(KernelGradient {
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
        add_partials(partial, total);
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
struct KernelGradient<'a> {
    g: &'a ConvGeometry,
    x: &'a [f32],
    dy: &'a [f32],
    winners: &'a [u8],
    dk: &'a mut [f32],
    db: &'a mut [f32],
    /// Working memory.
    list: &'a mut [f32],
}

impl Kernel for KernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let KernelGradient {
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

fn input_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    kernel: &[f32],
    scale: f32,
    dx: &mut [f32],
) {
    let [height, width] = pooled(g);
    let (image, per_task) = (height * width * g.filters, images_per_task(g.n));
    let lanes = dispatch(Lanes);
    let pieces = g.channels.div_ceil(lanes);
    scratch::with(
        pieces * g.filters * g.rows.taps * g.columns.taps * lanes,
        |by_filter| {
            regroup(g, kernel, scale, lanes, by_filter);
            let by_filter = &*by_filter;
            dx.par_chunks_mut((per_task * g.image()).max(1))
                .enumerate()
                .for_each(|(task, dx)| {
                    for (i, dx) in dx.chunks_exact_mut(g.image()).enumerate() {
                        let at = (task * per_task + i) * image;
                        let (dy, winners) = (&dy[at..][..image], &winners[at..][..image]);
                        let padded = g.rows.padded() * g.columns.padded() * g.channels;
                        if padded == dx.len() {
                            dx.fill(0.0);
                            dispatch(InputGradient {
                                g,
                                dy,
                                winners,
                                kernel: by_filter,
                                dx,
                            });
                            continue;
                        }
                        scratch::with(padded, |full| {
                            full.fill(0.0);
                            dispatch(InputGradient {
                                g,
                                dy,
                                winners,
                                kernel: by_filter,
                                dx: &mut *full,
                            });
                            crop(g, full, dx);
                        });
                    }
                });
        },
    );
}

/// How many lanes the set in use has.
struct Lanes;

impl Kernel for Lanes {
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

/// Leaves the padding out.
fn crop(g: &ConvGeometry, padded: &[f32], dx: &mut [f32]) {
    let (width, row) = (
        g.columns.padded() * g.channels,
        g.columns.inputs * g.channels,
    );
    for (y, dx) in dx.chunks_exact_mut(row).enumerate() {
        let at = (y + g.rows.before) * width + g.columns.before * g.channels;
        dx.copy_from_slice(&padded[at..at + row]);
    }
}

/// One image, channels in vectors, window by window.
struct InputGradient<'a> {
    g: &'a ConvGeometry,
    dy: &'a [f32],
    winners: &'a [u8],
    kernel: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let InputGradient {
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

/// The gradient of the convolution's whole output: zero where no maximum was.
fn spread(g: &ConvGeometry, dy: &[f32], winners: &[u8], scale: f32, full: &mut [f32]) {
    let ([height, width], row) = (pooled(g), g.columns.outputs * g.filters);
    full.fill(0.0);
    for (window, (dy, winners)) in dy
        .chunks_exact(g.filters)
        .zip(winners.chunks_exact(g.filters))
        .enumerate()
    {
        let (image, y, x) = (
            window / (height * width),
            window / width % height,
            window % width,
        );
        let at = image * g.output() + 2 * y * row + 2 * x * g.filters;
        for (co, (&dy, &winner)) in dy.iter().zip(winners).enumerate() {
            if winner != DEAD {
                full[at
                    + usize::from(winner / 2) * row
                    + usize::from(winner % 2) * g.filters
                    + co] = scale * dy;
            }
        }
    }
}
