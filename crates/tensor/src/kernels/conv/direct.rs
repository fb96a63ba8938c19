//! The direct way: the register tile over one output row after another, and over one image for the kernel's gradient.

use super::plane::Plane;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly, filled};
use crate::simd::{Simd, WithSimd};

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

impl WithSimd for ForwardRows<'_> {
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
        for (column, columns) in filled(outputs, 2 * S::LANES) {
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

/// Adds one image's share of the kernel's gradient to `dk`.
pub(super) struct DirectKernelGradient<'a> {
    pub(super) plane: Plane,
    /// The padded image.
    pub(super) x: &'a [f32],
    pub(super) dy: &'a [f32],
    pub(super) dk: &'a mut [f32],
}

impl WithSimd for DirectKernelGradient<'_> {
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
                    for (column, columns) in filled(outputs, 2 * S::LANES) {
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
