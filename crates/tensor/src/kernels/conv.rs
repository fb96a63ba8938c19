//! f32 convolutions on the register tile: forward, and both gradients.
//!
//! The input of the tile is an image that has its padding around it (a copy where there is padding, the image itself
//! where there is none), so that every window lies inside. The input gradient is a convolution too: of the output's
//! gradient, spread over the strides and padded, with the flipped kernel.

use super::geometry::ConvGeometry;
use super::winograd::{self, Order, Target, Tiling};
use super::{Epilogue, elementwise, scratch};
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// A convolution over one padded image, no padding left to think of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    /// Padded width of the input.
    pub(crate) width: usize,
    /// Channels of the input, all groups.
    pub(crate) channels: usize,
    pub(crate) taps: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Height and width of the output.
    pub(crate) output: [usize; 2],
    pub(crate) filters: usize,
    pub(crate) groups: usize,
}

impl Plane {
    pub(crate) fn forward(g: &ConvGeometry) -> Plane {
        Plane {
            width: g.columns.padded(),
            channels: g.channels,
            taps: [g.rows.taps, g.columns.taps],
            strides: [g.rows.stride, g.columns.stride],
            dilation: [g.rows.dilation, g.columns.dilation],
            output: [g.rows.outputs, g.columns.outputs],
            filters: g.filters,
            groups: g.groups,
        }
    }

    /// Whether a window's row is one contiguous run of the input.
    fn has_runs(&self) -> bool {
        self.dilation[1] == 1 && self.groups == 1
    }

    /// Values of one row of the output.
    fn output_row(&self) -> usize {
        self.output[1] * self.filters
    }
}

/// Rows `first..` of one image's output, as many as `y` holds.
pub(crate) struct ForwardRows<'a> {
    pub(crate) plane: Plane,
    /// The padded image.
    pub(crate) x: &'a [f32],
    pub(crate) kernel: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) relu: bool,
    pub(crate) first: usize,
    pub(crate) y: &'a mut [f32],
}

impl Kernel for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            width,
            channels,
            taps,
            strides,
            dilation,
            output,
            filters,
            groups,
        } = self.plane;
        let (inputs, outputs) = (channels / groups, filters / groups);
        let row = self.plane.output_row();
        let runs = self.plane.has_runs();
        for (i, y) in self.y.chunks_exact_mut(row).enumerate() {
            let x = &self.x[(self.first + i) * strides[0] * width * channels..];
            let mut y = BlockMut::new(y, output[1], filters, filters);
            for group in 0..groups {
                for (column, columns) in evenly(outputs, 2 * S::LANES) {
                    let column = group * outputs + column;
                    let bias = self.bias.map_or(Start::Zero, |b| Start::Row(&b[column..]));
                    for (first, rows) in evenly(output[1], S::ROWS) {
                        let x = &x[first * strides[1] * channels + group * inputs..];
                        let a_step = strides[1] * channels;
                        if runs {
                            let walk = Walk {
                                outer: taps[0],
                                inner: taps[1] * channels,
                                outer_step: [
                                    dilation[0] * width * channels,
                                    taps[1] * channels * filters,
                                ],
                                inner_step: [1, filters],
                            };
                            let b = &self.kernel[column..];
                            let tile = Tile {
                                a: x,
                                a_step,
                                b,
                                walk,
                                start: bias,
                                relu: self.relu,
                            };
                            simd.tile(&tile, y.part(first, rows, column, columns));
                            continue;
                        }
                        for ky in 0..taps[0] {
                            let walk = Walk {
                                outer: taps[1],
                                inner: inputs,
                                outer_step: [dilation[1] * channels, inputs * filters],
                                inner_step: [1, filters],
                            };
                            let a = &x[ky * dilation[0] * width * channels..];
                            let b = &self.kernel[ky * taps[1] * inputs * filters + column..];
                            let start = if ky == 0 { bias } else { Start::Output };
                            let relu = self.relu && ky + 1 == taps[0];
                            let tile = Tile {
                                a,
                                a_step,
                                b,
                                walk,
                                start,
                                relu,
                            };
                            simd.tile(&tile, y.part(first, rows, column, columns));
                        }
                    }
                }
            }
        }
    }
}

/// Images are cut into at most this many tasks, whatever the number of threads.
const TASKS: usize = 16;

/// Images of one task: a function of their number alone.
pub(crate) fn images_per_task(n: usize) -> usize {
    n.div_ceil(TASKS).max(1)
}

/// Below this many products a task is not worth being handed to another thread.
pub(crate) const TASK_PRODUCTS: usize = 1 << 18;

/// Rows of the output that one task computes.
pub(crate) fn rows_per_task(plane: &Plane) -> usize {
    let products =
        plane.output_row() * plane.taps[0] * plane.taps[1] * plane.channels / plane.groups;
    TASK_PRODUCTS
        .div_ceil(products.max(1))
        .clamp(1, plane.output[0].max(1))
}

/// dropout(relu(x ∗ kernel + bias)), the faster way.
pub(crate) fn forward(
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    y: &mut [f32],
) {
    let tiling = Tiling::of(&Plane::forward(g));
    forward_by(tiling, g, x, kernel, bias, epilogue, y);
}

/// The same by Winograd's tiling, or directly.
pub(crate) fn forward_by(
    tiling: Option<Tiling>,
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    y: &mut [f32],
) {
    if y.is_empty() {
        return;
    }
    let (plane, image) = (Plane::forward(g), g.output());
    if let Some(tiling) = tiling {
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::with_kernel(tiling, kernel, bias, epilogue, lend, |convolution| {
            convolution.run(Target::Plain(y), Order::Blocks);
        });
    }
    let per_task = images_per_task(g.n);
    y.par_chunks_mut(per_task * image)
        .enumerate()
        .for_each(|(task, y)| {
            for (i, y) in y.chunks_exact_mut(image).enumerate() {
                let number = task * per_task + i;
                with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                    convolve(&plane, x, kernel, bias, epilogue, number * image, y);
                });
            }
        });
}

/// One image, its rows cut into tasks. `position` is that of the image's first output, which dropout counts from.
fn convolve(
    plane: &Plane,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    position: usize,
    y: &mut [f32],
) {
    let (rows, row) = (rows_per_task(plane), plane.output_row());
    let part = |(task, y): (usize, &mut [f32])| {
        let first = task * rows;
        dispatch(ForwardRows {
            plane: *plane,
            x,
            kernel,
            bias,
            relu: epilogue.relu,
            first,
            y: &mut *y,
        });
        if let Some(dropout) = epilogue.dropout {
            elementwise::dropout_in_place(y, &dropout, position + first * row);
        }
    };
    if rows >= plane.output[0] {
        part((0, y));
    } else {
        y.par_chunks_mut(rows * row).enumerate().for_each(part);
    }
}

/// Lends the image with its padding around it: itself when there is none.
pub(crate) fn with_padding<R>(
    g: &ConvGeometry,
    image: &[f32],
    work: impl FnOnce(&[f32]) -> R,
) -> R {
    if g.rows.padded() == g.rows.inputs && g.columns.padded() == g.columns.inputs {
        return work(image);
    }
    let (width, channels) = (g.columns.padded(), g.channels);
    scratch::with(g.rows.padded() * width * channels, |padded| {
        padded.fill(0.0);
        for (y, row) in image.chunks_exact(g.columns.inputs * channels).enumerate() {
            let at = ((y + g.rows.before) * width + g.columns.before) * channels;
            padded[at..at + row.len()].copy_from_slice(row);
        }
        work(padded)
    })
}

/// The gradient with respect to the input: a convolution of the spread and padded `dy` with the flipped kernel.
pub(crate) fn input_gradient(g: &ConvGeometry, dy: &[f32], kernel: &[f32], dx: &mut [f32]) {
    if dx.is_empty() {
        return;
    }
    let reach = [
        (g.rows.taps - 1) * g.rows.dilation,
        (g.columns.taps - 1) * g.columns.dilation,
    ];
    let plane = Plane {
        width: g.columns.inputs + reach[1],
        channels: g.filters,
        taps: [g.rows.taps, g.columns.taps],
        strides: [1, 1],
        dilation: [g.rows.dilation, g.columns.dilation],
        output: [g.rows.inputs, g.columns.inputs],
        filters: g.channels,
        groups: g.groups,
    };
    let height = g.rows.inputs + reach[0];
    let shift = [
        reach[0] - g.rows.before.min(reach[0]),
        reach[1] - g.columns.before.min(reach[1]),
    ];
    let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
        let dy = &dy[number * g.output()..][..g.output()];
        scratch::with(height * plane.width * g.filters, |padded| {
            spread(g, dy, shift, [height, plane.width], padded);
            work(padded);
        });
    };
    let per_task = images_per_task(g.n);
    scratch::with(kernel.len(), |flipped| {
        flip(g, kernel, flipped);
        let (flipped, none) = (&*flipped, Epilogue::default());
        if let Some(tiling) = Tiling::of(&plane) {
            return winograd::with_kernel(tiling, flipped, None, &none, lend, |convolution| {
                convolution.run(Target::Plain(dx), Order::Blocks);
            });
        }
        let tasks = dx.par_chunks_mut(per_task * g.image()).enumerate();
        tasks.for_each(|(task, dx)| {
            for (i, dx) in dx.chunks_exact_mut(g.image()).enumerate() {
                lend(task * per_task + i, &mut |padded| {
                    convolve(&plane, padded, flipped, None, &none, 0, dx);
                });
            }
        });
    });
}

/// Writes an output's gradient, `stride` apart and with zeros between and around, into `height × width` pixels.
fn spread(
    g: &ConvGeometry,
    dy: &[f32],
    shift: [usize; 2],
    [height, width]: [usize; 2],
    padded: &mut [f32],
) {
    padded.fill(0.0);
    for (oy, row) in dy.chunks_exact(g.columns.outputs * g.filters).enumerate() {
        let fits = shift[1] + g.columns.outputs <= width;
        if g.columns.stride == 1 && fits && oy * g.rows.stride + shift[0] < height {
            let at = ((oy * g.rows.stride + shift[0]) * width + shift[1]) * g.filters;
            padded[at..at + row.len()].copy_from_slice(row);
            continue;
        }
        for (ox, pixel) in row.chunks_exact(g.filters).enumerate() {
            let y = oy * g.rows.stride + shift[0];
            let x = ox * g.columns.stride + shift[1];
            if y < height && x < width {
                let at = (y * width + x) * g.filters;
                padded[at..at + g.filters].copy_from_slice(pixel);
            }
        }
    }
}

/// `[kh, kw, in / groups, out]` → `[kh, kw, out / groups, in]`, taps in reverse order.
fn flip(g: &ConvGeometry, kernel: &[f32], flipped: &mut [f32]) {
    let (inputs, outputs) = (g.channels / g.groups, g.filters / g.groups);
    let taps = g.rows.taps * g.columns.taps;
    for tap in 0..taps {
        let from = &kernel[tap * inputs * g.filters..][..inputs * g.filters];
        let to = &mut flipped[(taps - 1 - tap) * outputs * g.channels..][..outputs * g.channels];
        for group in 0..g.groups {
            for ci in 0..inputs {
                for co in 0..outputs {
                    to[co * g.channels + group * inputs + ci] =
                        from[ci * g.filters + group * outputs + co];
                }
            }
        }
    }
}

/// Adds one image's share of the kernel's gradient to `dk`.
pub(super) struct KernelGradient<'a> {
    pub(super) plane: Plane,
    /// The padded image.
    pub(super) x: &'a [f32],
    pub(super) dy: &'a [f32],
    pub(super) dk: &'a mut [f32],
}

impl Kernel for KernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            width,
            channels,
            taps,
            strides,
            dilation,
            output,
            filters,
            groups,
        } = self.plane;
        let (inputs, outputs) = (channels / groups, filters / groups);
        let walk = Walk {
            outer: output[0],
            inner: output[1],
            outer_step: [strides[0] * width * channels, output[1] * filters],
            inner_step: [strides[1] * channels, filters],
        };
        let (pieces, run) = if self.plane.has_runs() {
            (1, taps[1] * channels)
        } else {
            (taps[1], inputs)
        };
        for ky in 0..taps[0] {
            for piece in 0..pieces {
                let tap = ky * taps[1] + piece;
                let dk = &mut self.dk[tap * inputs * filters..][..run * filters];
                let mut dk = BlockMut::new(dk, run, filters, filters);
                let x = &self.x[(ky * dilation[0] * width + piece * dilation[1]) * channels..];
                for group in 0..groups {
                    for (column, columns) in evenly(outputs, 2 * S::LANES) {
                        let column = group * outputs + column;
                        for (first, rows) in evenly(run, S::ROWS) {
                            let a = &x[group * inputs + first..];
                            let b = &self.dy[column..];
                            let tile = Tile {
                                a,
                                a_step: 1,
                                b,
                                walk,
                                start: Start::Output,
                                relu: false,
                            };
                            simd.tile(&tile, dk.part(first, rows, column, columns));
                        }
                    }
                }
            }
        }
    }
}

/// The gradient with respect to the kernel: each task sums its images, the tasks' sums are added over a fixed tree.
pub(crate) fn kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) {
    if dy.is_empty() {
        return dk.fill(0.0);
    }
    let plane = Plane::forward(g);
    if let Some(tiling) = Tiling::of(&plane) {
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::kernel_gradient(&tiling, dy, lend, dk);
    }
    let (per_task, len) = (images_per_task(g.n), dk.len());
    let tasks = g.n.div_ceil(per_task);
    scratch::with(tasks * len, |partial| {
        partial
            .par_chunks_mut(len)
            .enumerate()
            .for_each(|(task, dk)| {
                dk.fill(0.0);
                for number in task * per_task..((task + 1) * per_task).min(g.n) {
                    let dy = &dy[number * g.output()..][..g.output()];
                    with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                        dispatch(KernelGradient {
                            plane,
                            x,
                            dy,
                            dk: &mut *dk,
                        });
                    });
                }
            });
        add_partials(partial, dk);
    });
}

/// The sum of the parts (each as long as `total`) over a fixed tree: neighbours first.
pub(crate) fn add_partials(partial: &mut [f32], total: &mut [f32]) {
    let len = total.len();
    let mut distance = 1;
    while distance * len < partial.len() {
        partial.par_chunks_mut(2 * distance * len).for_each(|pair| {
            if pair.len() > distance * len {
                let (left, right) = pair.split_at_mut(distance * len);
                left[..len]
                    .iter_mut()
                    .zip(&right[..len])
                    .for_each(|(l, r)| *l += r);
            }
        });
        distance *= 2;
    }
    total.copy_from_slice(&partial[..len]);
}
