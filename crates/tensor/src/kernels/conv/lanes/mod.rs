//! Convolutions in groups of few channels, depthwise ones first of all: vectors of channels, multiplied lane by lane.
//!
//! A filter of a depthwise convolution sees one channel, its own, so that a vector of inputs times a vector of the kernel
//! is a vector of sums; nothing is broadcast. With `inputs` channels and `outputs` filters a group the same holds of an
//! image that has, for each pixel and each of a group's inputs, one value a filter:
//!
//! ```text
//!   groups of 2 → 2:       filters  0   1   2   3   4   5
//!                                  ┌───────┬───────┬───────┐
//!   x, one pixel: a b│c d│e f  →   │ a   a │ c   c │ e   e │  × kernel[ky][kx][0][filters]
//!                                  │ b   b │ d   d │ f   f │  × kernel[ky][kx][1][filters]
//!                                  └───────┴───────┴───────┘
//! ```
//!
//! The image is spread that way a slice of groups and a band of rows at a time, so that it stays in the cache. A depthwise
//! convolution with one filter a channel needs no spreading.

mod slice;

pub(crate) use slice::{Slice, band, for_each_slice};

use super::direct::ForwardRows;
use super::plane::Plane;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly, filled, lane_rows};
use crate::simd::{Simd, WithSimd, dispatch};

/// As [`ForwardRows`] does it.
pub(crate) fn forward_rows(job: ForwardRows<'_>) {
    let (plane, row) = (job.plane, job.plane.output_row());
    let step = plane.strides[0];
    let band = band(&plane, step, job.y.len() / row);
    for (i, y) in job.y.chunks_mut(band * row).enumerate() {
        let x = &job.x[(job.first + i * band) * step * plane.width * plane.channels..];
        let rows = (y.len() / row - 1) * step + (plane.taps[0] - 1) * plane.dilation[0] + 1;
        for_each_slice(&plane, x, rows, |slice| {
            dispatch(Forward {
                plane,
                slice,
                kernel: job.kernel,
                bias: job.bias,
                relu: job.relu,
                y: &mut *y,
            });
        });
    }
}

/// Rows of the output from a slice that begins with their first window.
struct Forward<'a> {
    plane: Plane,
    slice: Slice<'a>,
    kernel: &'a [f32],
    bias: Option<&'a [f32]>,
    relu: bool,
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Forward { plane, slice, .. } = self;
        let row = plane.output_row();
        let start = self.bias.map_or(Start::Zero, Start::Row);
        for (i, y) in self.y.chunks_exact_mut(row).enumerate() {
            let at = [i * plane.strides[0], 0];
            let y = slice.columns(&plane, y, plane.filters);
            forward_row(simd, &plane, &slice, at, self.kernel, start, self.relu, y);
        }
    }
}

/// One row of the output, whose first window begins at pixel `at` of the slice.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(crate) fn forward_row<S: Simd>(
    simd: S,
    plane: &Plane,
    slice: &Slice<'_>,
    [row, column]: [usize; 2],
    kernel: &[f32],
    start: Start<'_>,
    relu: bool,
    mut y: BlockMut<'_>,
) {
    let (inputs, pixel, filters) = (slice.inputs, slice.pixel(), plane.filters);
    let [down, across] = plane.dilation;
    let a_step = plane.strides[1] * pixel;
    // The taps of a row and the inputs of each are one loop, or two where dilation leaves pixels out.
    let one_loop = inputs == 1 || across == 1;
    let tap = if inputs == 1 {
        across * pixel
    } else {
        slice.filters
    };
    let x = slice.from(row, column);
    for (column, columns) in filled(slice.filters, 2 * S::LANES) {
        let start = start.from(slice.first + column);
        for (first, rows) in evenly(y.rows(), lane_rows::<S>()) {
            let a = &x[first * a_step + column..];
            let b = &kernel[slice.first + column..];
            if one_loop {
                let walk = Walk {
                    outer: plane.taps[0],
                    inner: plane.taps[1] * inputs,
                    outer_step: [down * plane.width * pixel, plane.taps[1] * inputs * filters],
                    inner_step: [tap, filters],
                };
                let tile = Tile {
                    a,
                    a_step,
                    b,
                    walk,
                    start,
                    relu,
                };
                simd.lane_tile(&tile, y.part(first, rows, column, columns));
                continue;
            }
            for ky in 0..plane.taps[0] {
                let walk = Walk {
                    outer: plane.taps[1],
                    inner: inputs,
                    outer_step: [across * pixel, inputs * filters],
                    inner_step: [slice.filters, filters],
                };
                let tile = Tile {
                    a: &a[ky * down * plane.width * pixel..],
                    a_step,
                    b: &b[ky * plane.taps[1] * inputs * filters..],
                    walk,
                    start: if ky == 0 { start } else { Start::Output },
                    relu: relu && ky + 1 == plane.taps[0],
                };
                simd.lane_tile(&tile, y.part(first, rows, column, columns));
            }
        }
    }
}

/// Adds one padded image's share of the kernel's gradient to `dk`.
pub(crate) fn kernel_gradient(plane: &Plane, x: &[f32], dy: &[f32], dk: &mut [f32]) {
    let (row, step) = (plane.output_row(), plane.strides[0]);
    let band = band(plane, step, plane.output[0]);
    for (i, dy) in dy.chunks(band * row).enumerate() {
        let x = &x[i * band * step * plane.width * plane.channels..];
        let rows = (dy.len() / row - 1) * step + (plane.taps[0] - 1) * plane.dilation[0] + 1;
        for_each_slice(plane, x, rows, |slice| {
            dispatch(LaneKernelGradient {
                plane: *plane,
                slice,
                dy,
                dk: &mut *dk,
            });
        });
    }
}

/// Pixels that the taps of a kernel are taken over before the next ones: their inputs and gradients stay in the L1 cache.
const PIXELS: usize = 128;

struct LaneKernelGradient<'a> {
    plane: Plane,
    slice: Slice<'a>,
    dy: &'a [f32],
    dk: &'a mut [f32],
}

impl WithSimd for LaneKernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let LaneKernelGradient { plane, slice, .. } = self;
        let (inputs, pixel, filters) = (slice.inputs, slice.pixel(), plane.filters);
        let [down, across] = plane.dilation;
        let width = plane.output[1];
        // Rows of the tile: taps, or inputs of a group, or both in one run where no pixels are left out.
        let (pieces, run, a_step) = if inputs == 1 {
            (1, plane.taps[1], across * pixel)
        } else if across == 1 {
            (1, plane.taps[1] * inputs, slice.filters)
        } else {
            (plane.taps[1], inputs, slice.filters)
        };
        let height = self.dy.len() / plane.output_row();
        for (column, columns) in filled(slice.filters, 2 * S::LANES) {
            for (top, height) in evenly(height, (PIXELS / width).max(1)) {
                let walk = Walk {
                    outer: height,
                    inner: width,
                    outer_step: [plane.strides[0] * plane.width * pixel, plane.output_row()],
                    inner_step: [plane.strides[1] * pixel, filters],
                };
                let b = &self.dy[top * plane.output_row() + slice.first + column..];
                for ky in 0..plane.taps[0] {
                    for piece in 0..pieces {
                        let x = slice.from(top * plane.strides[0] + ky * down, piece * across);
                        let tap = ky * plane.taps[1] + piece;
                        let dk = &mut self.dk[tap * inputs * filters + slice.first..];
                        let mut dk = BlockMut::new(dk, run, slice.filters, filters);
                        for (first, rows) in evenly(run, lane_rows::<S>()) {
                            let tile = Tile {
                                a: &x[first * a_step + column..],
                                a_step,
                                b,
                                walk,
                                start: Start::Output,
                                relu: false,
                            };
                            simd.lane_tile(&tile, dk.part(first, rows, column, columns));
                        }
                    }
                }
            }
        }
    }
}
