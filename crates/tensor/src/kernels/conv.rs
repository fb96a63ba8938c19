//! f32 convolutions on the register tile: forward, and both gradients.
//!
//! The input of the tile is an image that has its padding around it (a copy where there is padding, the image itself
//! where there is none), so that every window lies inside. The input gradient is a convolution too: of the output's
//! padded gradient with the flipped kernel, or with strides, several of them (`phases`).

use super::geometry::ConvGeometry;
use super::phases::{self, Phases};
use super::way::Way;
use super::winograd::{self, Order, Target};
use super::{Epilogue, elementwise, lanes, pixels, scratch};
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

    /// Channels and filters of a group.
    pub(crate) fn per_group(&self) -> [usize; 2] {
        [self.channels / self.groups, self.filters / self.groups]
    }

    /// Values of one row of the output.
    pub(crate) fn output_row(&self) -> usize {
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
        let plane = self.plane;
        let bias = self.bias.map_or(Start::Zero, Start::Row);
        let (row, step) = (
            plane.output_row(),
            plane.strides[0] * plane.width * plane.channels,
        );
        for (i, y) in self.y.chunks_exact_mut(row).enumerate() {
            let x = &self.x[(self.first + i) * step..];
            let y = BlockMut::new(y, plane.output[1], plane.filters, plane.filters);
            forward_row(simd, &plane, x, self.kernel, bias, self.relu, y);
        }
    }
}

/// One row of the output, whose first window begins at the first pixel of `x`.
#[inline(always)]
pub(crate) fn forward_row<S: Simd>(
    simd: S,
    plane: &Plane,
    x: &[f32],
    kernel: &[f32],
    bias: Start<'_>,
    relu: bool,
    mut y: BlockMut<'_>,
) {
    let Plane {
        width,
        channels,
        taps,
        dilation,
        filters,
        ..
    } = *plane;
    let [inputs, outputs] = plane.per_group();
    let runs = plane.has_runs();
    let a_step = plane.strides[1] * channels;
    for group in 0..plane.groups {
        for (column, columns) in evenly(outputs, 2 * S::LANES) {
            let column = group * outputs + column;
            let bias = bias.from(column);
            for (first, rows) in evenly(y.rows(), S::ROWS) {
                let x = &x[first * a_step + group * inputs..];
                if runs {
                    let walk = Walk {
                        outer: taps[0],
                        inner: taps[1] * channels,
                        outer_step: [dilation[0] * width * channels, taps[1] * channels * filters],
                        inner_step: [1, filters],
                    };
                    let b = &kernel[column..];
                    let tile = Tile {
                        a: x,
                        a_step,
                        b,
                        walk,
                        start: bias,
                        relu,
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
                    let b = &kernel[ky * taps[1] * inputs * filters + column..];
                    let start = if ky == 0 { bias } else { Start::Output };
                    let relu = relu && ky + 1 == taps[0];
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

/// Some rows of one image's output, lane by lane or directly.
pub(crate) fn forward_rows(way: Way, rows: ForwardRows<'_>) {
    match way {
        Way::Lanes => lanes::forward_rows(rows),
        _ => dispatch(rows),
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

/// dropout(relu(x ∗ kernel + bias)), the fastest way.
pub(crate) fn forward(
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    y: &mut [f32],
) {
    let way = Way::of(&Plane::forward(g));
    forward_by(way, g, x, kernel, bias, epilogue, y);
}

/// The same the way that the caller names.
pub(crate) fn forward_by(
    way: Way,
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
    if let Way::Pixels = way {
        return pixels::forward(&plane, x, kernel, bias, epilogue, y);
    }
    if let Way::Winograd(tiling) = way {
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
                    convolve(way, &plane, x, kernel, bias, epilogue, number * image, y);
                });
            }
        });
}

/// One image, its rows cut into tasks. `position` is that of the image's first output, which dropout counts from.
#[allow(clippy::too_many_arguments)]
fn convolve(
    way: Way,
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
        let rows = ForwardRows {
            plane: *plane,
            x,
            kernel,
            bias,
            relu: epilogue.relu,
            first,
            y: &mut *y,
        };
        forward_rows(way, rows);
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
    let size = [g.rows.padded(), g.columns.padded()];
    let before = [g.rows.before, g.columns.before];
    scratch::with(size[0] * size[1] * g.channels, |padded| {
        pad(
            image,
            g.columns.inputs * g.channels,
            g.channels,
            before,
            size,
            padded,
        );
        work(padded)
    })
}

/// Writes an image, whose rows have `row` values, into one of `size` pixels, `before` pixels from its corner; zeros around it.
pub(crate) fn pad(
    image: &[f32],
    row: usize,
    channels: usize,
    before: [usize; 2],
    size: [usize; 2],
    padded: &mut [f32],
) {
    let width = size[1] * channels;
    let (above, rest) = padded[..size[0] * width].split_at_mut(before[0] * width);
    let (inside, below) = rest.split_at_mut(image.len() / row.max(1) * width);
    above.fill(0.0);
    for (to, from) in inside.chunks_exact_mut(width).zip(image.chunks_exact(row)) {
        let (left, rest) = to.split_at_mut(before[1] * channels);
        let (middle, right) = rest.split_at_mut(row);
        left.fill(0.0);
        middle.copy_from_slice(from);
        right.fill(0.0);
    }
    below.fill(0.0);
}

/// The gradient with respect to the input: convolutions of the padded `dy` with the flipped kernel.
pub(crate) fn input_gradient(g: &ConvGeometry, dy: &[f32], kernel: &[f32], dx: &mut [f32]) {
    input_gradient_by(None, g, dy, kernel, dx);
}

/// The same, each of them the way that the caller names.
pub(crate) fn input_gradient_by(
    way: Option<Way>,
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    dx: &mut [f32],
) {
    if dx.is_empty() {
        return;
    }
    let axes = [Phases::of(&g.rows), Phases::of(&g.columns)];
    let plane = phases::plane(g, &axes);
    let way = way.unwrap_or_else(|| Way::of(&plane));
    let size = axes.map(|axis| axis.padded);
    let before = axes.map(|axis| axis.lead);
    let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
        let dy = &dy[number * g.output()..][..g.output()];
        if size == [g.rows.outputs, g.columns.outputs] {
            return work(dy);
        }
        scratch::with(size[0] * size[1] * g.filters, |padded| {
            pad(
                dy,
                g.columns.outputs * g.filters,
                g.filters,
                before,
                size,
                padded,
            );
            work(padded);
        });
    };
    let per_task = images_per_task(g.n);
    let strided = [g.rows.stride, g.columns.stride] != [1, 1];
    scratch::with(kernel.len(), |flipped| {
        phases::flip(g, &axes, kernel, flipped);
        let (flipped, none) = (&*flipped, Epilogue::default());
        if let (Way::Winograd(tiling), false) = (way, strided) {
            return winograd::with_kernel(tiling, flipped, None, &none, lend, |convolution| {
                convolution.run(Target::Plain(dx), Order::Blocks);
            });
        }
        if let (Way::Pixels, false) = (way, strided) {
            return pixels::forward(&plane, dy, flipped, None, &none, dx);
        }
        let tasks = dx.par_chunks_mut(per_task * g.image()).enumerate();
        tasks.for_each(|(task, dx)| {
            for (i, dx) in dx.chunks_exact_mut(g.image()).enumerate() {
                lend(task * per_task + i, &mut |dy| {
                    if strided {
                        phases::convolve(way, g, &axes, dy, flipped, dx);
                    } else {
                        convolve(way, &plane, dy, flipped, None, &none, 0, dx);
                    }
                });
            }
        });
    });
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
    let way = Way::of_gradient(&Plane::forward(g), images_per_task(g.n));
    kernel_gradient_by(way, g, dy, x, dk);
}

/// The same the way that the caller names.
pub(crate) fn kernel_gradient_by(
    way: Way,
    g: &ConvGeometry,
    dy: &[f32],
    x: &[f32],
    dk: &mut [f32],
) {
    if dy.is_empty() || dk.is_empty() {
        return dk.fill(0.0);
    }
    let plane = Plane::forward(g);
    if let Way::Pixels = way {
        return pixels::kernel_gradient(&plane, dy, x, dk);
    }
    if let Way::Winograd(tiling) = way {
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
                    with_padding(g, &x[number * g.image()..][..g.image()], |x| match way {
                        Way::Lanes => lanes::kernel_gradient(&plane, x, dy, dk),
                        _ => dispatch(KernelGradient {
                            plane,
                            x,
                            dy,
                            dk: &mut *dk,
                        }),
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
