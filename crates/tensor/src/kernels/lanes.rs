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

use super::conv::{ForwardRows, Plane};
use super::scratch;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly, lane_rows};
use crate::simd::{Kernel, Simd, dispatch};

/// Filters of a slice: two vectors of the widest set.
const FILTERS: usize = 32;
/// Values of a spread band of a slice, roughly.
const BAND: usize = 1 << 16;

/// Some rows of a padded image, as far as a slice of its groups goes.
#[derive(Clone, Copy)]
pub(crate) struct Slice<'a> {
    /// For each pixel `inputs` times one value a filter.
    values: &'a [f32],
    /// Pixels of a row.
    width: usize,
    /// Input channels of a group.
    inputs: usize,
    /// The first filter, and how many there are.
    first: usize,
    filters: usize,
}

impl<'a> Slice<'a> {
    /// Values of a pixel.
    fn pixel(&self) -> usize {
        self.inputs * self.filters
    }

    /// What lies from pixel (`row`, `column`) on.
    fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[(row * self.width + column) * self.pixel()..]
    }

    /// The columns of `row`, `plane.output[1]` pixels of all filters, that are the slice's.
    pub(crate) fn columns<'y>(
        &self,
        plane: &Plane,
        row: &'y mut [f32],
        step: usize,
    ) -> BlockMut<'y> {
        BlockMut::new(&mut row[self.first..], plane.output[1], self.filters, step)
    }
}

/// Whether the image is its own spread image.
fn is_spread(plane: &Plane) -> bool {
    plane.per_group() == [1, 1]
}

/// How many of `rows` rows of the output are made from one band, where a row needs `step` more rows of the input.
pub(crate) fn band(plane: &Plane, step: usize, rows: usize) -> usize {
    if is_spread(plane) {
        return rows.max(1);
    }
    let row = plane.width * plane.per_group()[0] * FILTERS.min(plane.filters);
    let reach = (plane.taps[0] - 1) * plane.dilation[0];
    // At least as many rows as are spread twice.
    let fit = (BAND / row.max(1)).saturating_sub(reach) / step.max(1);
    fit.max(reach / step.max(1)).clamp(1, rows.max(1))
}

/// Lends the slices of `rows` rows of pixels, one after the other.
pub(crate) fn for_each_slice(
    plane: &Plane,
    x: &[f32],
    rows: usize,
    mut work: impl FnMut(Slice<'_>),
) {
    let [inputs, outputs] = plane.per_group();
    let x = &x[..rows * plane.width * plane.channels];
    if is_spread(plane) {
        return work(Slice {
            values: x,
            width: plane.width,
            inputs: 1,
            first: 0,
            filters: plane.filters,
        });
    }
    for (group, groups) in evenly(plane.groups, (FILTERS / outputs).max(1)) {
        scratch::with(rows * plane.width * inputs * groups * outputs, |spread| {
            dispatch(Spread {
                x,
                channels: plane.channels,
                first: group * inputs,
                inputs,
                outputs,
                groups,
                spread: &mut *spread,
            });
            work(Slice {
                values: spread,
                width: plane.width,
                inputs,
                first: group * outputs,
                filters: groups * outputs,
            });
        });
    }
}

/// Writes each input of a group once a filter of the group.
struct Spread<'a> {
    x: &'a [f32],
    channels: usize,
    /// The slice's first channel.
    first: usize,
    inputs: usize,
    outputs: usize,
    groups: usize,
    spread: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let filters = self.groups * self.outputs;
        let whole = S::LANES.is_multiple_of(self.outputs) && filters.is_multiple_of(S::LANES);
        if self.inputs == self.outputs && whole {
            return self.by_vectors(simd);
        }
        // Copies of a known number of values are a few instructions.
        match self.outputs {
            1 => self.copies::<1>(),
            2 => self.copies::<2>(),
            3 => self.copies::<3>(),
            4 => self.copies::<4>(),
            8 => self.copies::<8>(),
            _ => self.any_copies(),
        }
    }
}

impl Spread<'_> {
    /// As many inputs a group as outputs: a vector of inputs becomes a vector for each input of the group.
    #[inline(always)]
    fn by_vectors<S: Simd>(self, simd: S) {
        let filters = self.groups * self.outputs;
        // All lanes of a group take its first input, then all its second one, and so on.
        let mut lanes = [[0; 16]; 16];
        for (input, lanes) in lanes[..self.inputs].iter_mut().enumerate() {
            for (i, lane) in lanes.iter_mut().enumerate() {
                *lane = (i / self.outputs * self.outputs + input) as u32;
            }
        }
        let lanes = &lanes[..self.inputs];
        let pixels = self.spread.chunks_exact_mut(self.inputs * filters);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..filters];
            for vector in (0..filters).step_by(S::LANES) {
                let x = simd.load(&x[vector..]);
                for (to, lanes) in to.chunks_exact_mut(filters).zip(lanes) {
                    simd.store(&mut to[vector..], simd.pick(x, lanes));
                }
            }
        }
    }

    #[inline(always)]
    fn copies<const OUTPUTS: usize>(self) {
        let row = self.groups * OUTPUTS;
        let pixels = self.spread.chunks_exact_mut(self.inputs * row);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..self.groups * self.inputs];
            for (input, to) in to.chunks_exact_mut(row).enumerate() {
                let to = to.as_chunks_mut::<OUTPUTS>().0;
                for (to, x) in to.iter_mut().zip(x.chunks_exact(self.inputs)) {
                    *to = [x[input]; OUTPUTS];
                }
            }
        }
    }

    #[inline(always)]
    fn any_copies(self) {
        let row = self.groups * self.outputs;
        let pixels = self.spread.chunks_exact_mut(self.inputs * row);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..self.groups * self.inputs];
            for (input, to) in to.chunks_exact_mut(row).enumerate() {
                let groups = to.chunks_exact_mut(self.outputs);
                for (to, x) in groups.zip(x.chunks_exact(self.inputs)) {
                    to.fill(x[input]);
                }
            }
        }
    }
}

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

impl Kernel for Forward<'_> {
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
    for (column, columns) in evenly(slice.filters, 2 * S::LANES) {
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
            dispatch(KernelGradient {
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

struct KernelGradient<'a> {
    plane: Plane,
    slice: Slice<'a>,
    dy: &'a [f32],
    dk: &'a mut [f32],
}

impl Kernel for KernelGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let KernelGradient { plane, slice, .. } = self;
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
        for (column, columns) in evenly(slice.filters, 2 * S::LANES) {
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
