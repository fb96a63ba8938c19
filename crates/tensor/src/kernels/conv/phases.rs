//! The gradient of a convolution's input: which taps of the kernel an input has taken part in.
//!
//! With stride `s` an input's place in the stride decides: along each axis the inputs fall into `s` phases, and those of
//! one phase meet the same taps.
//!
//! ```text
//!   stride 2, three taps          inputs   0   1   2   3   4   5   6
//!   output 0 = taps 0 1 2 on       0 1 2   0           2       even: taps 2 and 0, of two outputs next to each other
//!   output 1                           2 3 4       1           odd:  tap 1, of one output
//! ```
//!
//! So each of the s² phases is a convolution of its own, without strides, of the output's gradient with the phase's taps in
//! reverse order, and writes every s-th pixel. A convolution of the gradient spread over the strides would multiply s² times
//! as much, zeros for the most part. Without strides there is one phase with all taps.

use super::direct::forward_row;
use super::lanes::{self, Slice};
use super::plane::Plane;
use super::way::Way;
use crate::kernels::cut::by_rows;
use crate::kernels::geometry::{Axis, ConvGeometry};
use crate::kernels::transpose::Transpose;
use crate::matrix::MatrixRef;
use crate::simd::block::BlockMut;
use crate::simd::tile::Start;
use crate::simd::{Simd, WithSimd, dispatch};

/// The phases of one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    axis: Axis,
    /// From one tap of a phase to the next, and how many outputs lie between the two.
    step: usize,
    dilation: usize,
    /// Zeros before the gradient, and its length with those before and after it.
    pub(crate) lead: usize,
    pub(crate) padded: usize,
}

impl Phases {
    pub(crate) fn of(axis: &Axis) -> Phases {
        let common = greatest_common_divisor(axis.stride, axis.dilation);
        let reach = (axis.taps - 1) * axis.dilation;
        // The first output that the first input would meet, if there were outputs before the first one.
        let lead = reach.saturating_sub(axis.before) / axis.stride;
        let last = (axis.before + axis.inputs.max(1) - 1) / axis.stride;
        Phases {
            axis: *axis,
            step: axis.stride / common,
            dilation: axis.dilation / common,
            lead,
            padded: lead + axis.outputs.max(last + 1),
        }
    }

    /// The phase of an input.
    fn phase(&self, input: usize) -> usize {
        (input + self.axis.before) % self.axis.stride
    }

    /// The first tap of a phase, if it has any, and how many it has.
    fn taps(&self, phase: usize) -> (usize, usize) {
        let (taps, stride) = (self.axis.taps, self.axis.stride);
        let first = (0..taps.min(self.step)).find(|tap| tap * self.axis.dilation % stride == phase);
        first.map_or((0, 0), |first| (first, (taps - first).div_ceil(self.step)))
    }

    /// How many taps the phases before this one have.
    fn taps_before(&self, phase: usize) -> usize {
        (0..phase).map(|phase| self.taps(phase).1).sum()
    }

    /// Where in the padded gradient the window of an input begins.
    fn window(&self, input: usize) -> usize {
        let (first, count) = self.taps(self.phase(input));
        // All multiples of the stride, the phase taken off both.
        let at = input + self.axis.before + self.lead * self.axis.stride;
        let farthest =
            first * self.axis.dilation + (count.max(1) - 1) * self.dilation * self.axis.stride;
        (at - farthest) / self.axis.stride
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// The convolution of the padded gradient: all of it without strides; with strides, what its phases have in common.
pub(crate) fn plane(g: &ConvGeometry, axes: &[Phases; 2]) -> Plane {
    Plane {
        width: axes[1].padded,
        channels: g.filters,
        taps: [g.rows.taps, g.columns.taps],
        strides: [1, 1],
        dilation: axes.map(|axis| axis.dilation),
        output: [g.rows.inputs, g.columns.inputs],
        filters: g.channels,
        groups: g.groups,
    }
}

/// `[kh, kw, in / groups, out]` → a kernel `[taps, taps, out / groups, in]` for each phase, one after the other, its taps in
/// reverse order.
pub(crate) fn flip(g: &ConvGeometry, axes: &[Phases; 2], kernel: &[f32], flipped: &mut [f32]) {
    let len = kernel.len() / (g.rows.taps * g.columns.taps);
    let mut to = flipped.chunks_exact_mut(len);
    for row in 0..g.rows.stride {
        for column in 0..g.columns.stride {
            let (top, down) = axes[0].taps(row);
            let (left, across) = axes[1].taps(column);
            for ky in (0..down).rev() {
                for kx in (0..across).rev() {
                    let (ky, kx) = (top + ky * axes[0].step, left + kx * axes[1].step);
                    let from = &kernel[(ky * g.columns.taps + kx) * len..][..len];
                    let to = to.next().expect("every tap belongs to one phase");
                    transpose(g, from, to);
                }
            }
        }
    }
}

/// One tap: `[in / groups, out]` → `[out / groups, in]`.
fn transpose(g: &ConvGeometry, from: &[f32], to: &mut [f32]) {
    let (inputs, outputs) = (g.channels / g.groups, g.filters / g.groups);
    if g.groups == 1 {
        let b = MatrixRef::by_columns(from, outputs, inputs);
        return dispatch(Transpose { b, packed: to });
    }
    for group in 0..g.groups {
        for ci in 0..inputs {
            for co in 0..outputs {
                to[co * g.channels + group * inputs + ci] =
                    from[ci * g.filters + group * outputs + co];
            }
        }
    }
}

/// One image: every phase of each row, the rows cut into tasks.
pub(crate) fn convolve(
    way: Way,
    g: &ConvGeometry,
    axes: &[Phases; 2],
    dy: &[f32],
    kernels: &[f32],
    dx: &mut [f32],
) {
    let row = g.columns.inputs * g.channels;
    let taps = g.rows.taps * g.columns.taps;
    let products = row * taps * g.filters / (g.groups * g.rows.stride * g.columns.stride);
    by_rows(dx, row, products, |first, dx| {
        let part = Part {
            plane: plane(g, axes),
            axes: *axes,
            kernels,
            first,
        };
        part.run(way, dy, dx);
    });
}

/// Rows of one image's gradient, from `first` on.
#[derive(Clone, Copy)]
struct Part<'a> {
    plane: Plane,
    axes: [Phases; 2],
    kernels: &'a [f32],
    first: usize,
}

impl Part<'_> {
    fn run(self, way: Way, dy: &[f32], dx: &mut [f32]) {
        let Way::Lanes = way else {
            let gradient = Gradient::Image(dy);
            return dispatch(Rows {
                part: self,
                gradient,
                top: 0,
                dx,
            });
        };
        let row = self.plane.output_row();
        let stride = self.axes[0].axis.stride;
        let band = stride * lanes::band(&self.plane, 1, dx.len() / row);
        for (i, dx) in dx.chunks_mut(band * row).enumerate() {
            let first = self.first + i * band;
            // The rows of the gradient that these rows need.
            let inputs = first..first + dx.len() / row;
            let windows = inputs.map(|input| {
                let (top, (_, taps)) = (
                    self.axes[0].window(input),
                    self.axes[0].taps(self.axes[0].phase(input)),
                );
                (
                    top,
                    top + taps.max(1).saturating_sub(1) * self.plane.dilation[0] + 1,
                )
            });
            let (top, bottom) = windows.fold((usize::MAX, 0), |(top, bottom), window| {
                (top.min(window.0), bottom.max(window.1))
            });
            let dy = &dy[top * self.plane.width * self.plane.channels..];
            lanes::for_each_slice(&self.plane, dy, bottom - top, |slice| {
                dispatch(Rows {
                    part: Part { first, ..self },
                    gradient: Gradient::Slice(slice),
                    top,
                    dx: &mut *dx,
                });
            });
        }
    }
}

/// The padded gradient, or a slice of it for the tile that multiplies lane by lane.
#[derive(Clone, Copy)]
enum Gradient<'a> {
    Image(&'a [f32]),
    Slice(Slice<'a>),
}

struct Rows<'a> {
    part: Part<'a>,
    gradient: Gradient<'a>,
    /// The gradient's first row.
    top: usize,
    dx: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Part {
            plane,
            axes: [rows, columns],
            kernels,
            first,
        } = self.part;
        let (channels, width) = (plane.filters, plane.output[1]);
        let tap = plane.channels / plane.groups * channels;
        let strides = [rows.axis.stride, columns.axis.stride];
        for (i, dx) in self.dx.chunks_exact_mut(width * channels).enumerate() {
            let row = rows.phase(first + i);
            let (_, down) = rows.taps(row);
            let y = rows.window(first + i) - self.top;
            for x in 0..strides[1].min(width) {
                let column = columns.phase(x);
                let (_, across) = columns.taps(column);
                let dx = &mut dx[x * channels..];
                let step = strides[1] * channels;
                let pixels = (width - x).div_ceil(strides[1]);
                if down * across == 0 {
                    for pixel in dx.chunks_mut(step) {
                        pixel[..channels].fill(0.0);
                    }
                    continue;
                }
                let before =
                    rows.taps_before(row) * columns.axis.taps + down * columns.taps_before(column);
                let kernel = &kernels[before * tap..];
                let plane = Plane {
                    taps: [down, across],
                    output: [1, pixels],
                    ..plane
                };
                let x = columns.window(x);
                match &self.gradient {
                    Gradient::Image(dy) => {
                        let dy = &dy[(y * plane.width + x) * plane.channels..];
                        let dx = BlockMut::new(dx, pixels, channels, step);
                        forward_row(simd, &plane, dy, kernel, Start::Zero, false, dx);
                    }
                    Gradient::Slice(slice) => {
                        let dx = slice.columns(&plane, dx, step);
                        lanes::forward_row(
                            simd,
                            &plane,
                            slice,
                            [y, x],
                            kernel,
                            Start::Zero,
                            false,
                            dx,
                        );
                    }
                }
            }
        }
    }
}
