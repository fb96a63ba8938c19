//! The gradient of a convolution's input, folded: what every output pixel sends to its window is added up where windows
//! overlap (col2im, `torch.nn.Fold`).
//!
//! ```text
//!   outputs of row oy          patches: one row of the window            row iy = oy + ky of the input
//!    ┌──────────┐               ┌ tap 0 ┬ tap 1 ┬ tap 2 ┐
//!    │ pixel 0  │               │ c c c │ c c c │ c c c │                 c c c
//!    │ pixel 1  │ × kernel[ky]  │ c c c │ c c c │ c c c │        →              c c c  +  …
//!    │ pixel 2  │               │ c c c │ c c c │ c c c │                             c c c
//!    └──────────┘               └───────┴───────┴───────┘
//! ```
//!
//! The convolution of the padded gradient with the flipped kernel has the same sums, but a vector of it holds the channels
//! of one pixel, and around the gradient it multiplies zeros: where channels are few or windows large beside the image, most
//! of the work. Here a vector holds the channels of all taps of a row, and rows outside of the gradient are left out.

use crate::kernels::arguments::After;
use crate::kernels::cut::{by_rows, each_image};
use crate::kernels::geometry::{Axis, ConvGeometry};
use crate::kernels::transpose::Transpose;
use crate::kernels::{elementwise, scratch};
use crate::matrix::MatrixRef;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk};
use crate::simd::{Simd, WithSimd, dispatch};

/// Lanes that costs are counted in, on every instruction set: bits follow from shapes alone.
const LANES: usize = 16;
/// What adding a vector of a patch to the image costs, in products of vectors.
const ADDING: usize = 4;

/// Whether this is the faster way than the convolution of the padded gradient.
pub(crate) fn pays(g: &ConvGeometry) -> bool {
    if [g.rows.stride, g.columns.stride, g.groups] != [1, 1, 1] {
        return false;
    }
    let (taps, width) = (g.rows.taps * g.columns.taps, g.columns.outputs);
    let convolved =
        g.rows.inputs * g.columns.inputs * taps * g.filters * g.channels.div_ceil(LANES);
    let patch = (g.columns.taps * g.channels).div_ceil(LANES);
    let folded = width * patch * (meetings(&g.rows) * g.filters + g.rows.inputs * ADDING);
    // A tenth more for what is not counted.
    folded + folded / 10 < convolved
}

/// Pairs of an input and an output along an axis that meet at a tap.
fn meetings(axis: &Axis) -> usize {
    (0..axis.inputs).map(|input| taps_of(axis, input).2).sum()
}

/// Of an input: the first output that sees it, that output's tap (counted from the last one), and how many see it.
fn taps_of(axis: &Axis, input: usize) -> (usize, usize, usize) {
    let at = input + axis.before;
    // Tap `taps − 1 − t` of output `at − (taps − 1 − t) · dilation`.
    let reach = (axis.taps - 1) * axis.dilation;
    let first = reach.saturating_sub(at).div_ceil(axis.dilation);
    let output = (at + first * axis.dilation).wrapping_sub(reach);
    if first >= axis.taps || output >= axis.outputs {
        return (0, 0, 0);
    }
    let count = (axis.outputs - output).div_ceil(axis.dilation);
    (output, first, count.min(axis.taps - first))
}

/// The gradient with respect to the input, plus what stands in `after`.
pub(crate) fn input_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    after: &After<'_, f32>,
    dx: &mut [f32],
) {
    scratch::with(kernel.len(), |patches| {
        turn(g, kernel, patches);
        let patches = &*patches;
        each_image(dx, g.image(), g.products(), |number, dx| {
            let dy = &dy[number * g.output()..][..g.output()];
            image(g, dy, patches, after, number * g.image(), dx);
        });
    });
}

/// `[kh, kw, in, out]` → `[kh, out, kw, in]`, its rows in reverse order.
fn turn(g: &ConvGeometry, kernel: &[f32], patches: &mut [f32]) {
    let columns = g.columns.taps * g.channels;
    let rows = kernel.chunks_exact(columns * g.filters).rev();
    for (from, packed) in rows.zip(patches.chunks_exact_mut(columns * g.filters)) {
        let b = MatrixRef::by_columns(from, g.filters, columns);
        dispatch(Transpose { b, packed });
    }
}

/// One image, its rows cut into tasks. `position` is that of its first value.
fn image(
    g: &ConvGeometry,
    dy: &[f32],
    patches: &[f32],
    after: &After<'_, f32>,
    position: usize,
    dx: &mut [f32],
) {
    let row = g.columns.inputs * g.channels;
    let products = g.products() / g.rows.inputs.max(1);
    by_rows(dx, row, products, |first, dx| {
        let pixels = g.columns.outputs * g.columns.taps * g.channels;
        scratch::with(pixels + g.columns.padded() * g.channels, |memory| {
            let (sent, full) = memory.split_at_mut(pixels);
            dispatch(Rows {
                g,
                dy,
                patches,
                first,
                sent,
                full,
                dx: &mut *dx,
            });
        });
        elementwise::behind_bias(dx, after, position + first * row);
    });
}

/// Rows `first..` of one image's gradient, as many as `dx` holds.
struct Rows<'a> {
    g: &'a ConvGeometry,
    dy: &'a [f32],
    patches: &'a [f32],
    first: usize,
    /// What the pixels of a row of the output send: a patch each.
    sent: &'a mut [f32],
    /// A row with its padding.
    full: &'a mut [f32],
    dx: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let g = self.g;
        let (channels, filters) = (g.channels, g.filters);
        let (width, columns) = (g.columns.outputs, g.columns.taps * channels);
        let step = g.rows.dilation * width * filters;
        let inside = g.columns.before * channels..(g.columns.before + g.columns.inputs) * channels;
        let rows = self.dx.chunks_exact_mut(g.columns.inputs * channels);
        for (row, dx) in (self.first..).zip(rows) {
            let (output, tap, taps) = taps_of(&g.rows, row);
            if taps == 0 {
                dx.fill(0.0);
                continue;
            }
            let tile = Tile {
                a: &self.dy[output * width * filters..],
                a_step: filters,
                b: &self.patches[tap * filters * columns..],
                walk: Walk {
                    outer: taps,
                    inner: filters,
                    outer_step: [step, filters * columns],
                    inner_step: [1, columns],
                },
                start: Start::Zero,
                relu: false,
            };
            tile.cover(simd, BlockMut::new(self.sent, width, columns, columns));
            self.full.fill(0.0);
            for (pixel, sent) in self.sent.chunks_exact(columns).enumerate() {
                if g.columns.dilation == 1 {
                    let to = &mut self.full[pixel * channels..][..columns];
                    to.iter_mut().zip(sent).for_each(|(to, from)| *to += from);
                    continue;
                }
                for (tap, sent) in sent.chunks_exact(channels).enumerate() {
                    let at = pixel + tap * g.columns.dilation;
                    let to = &mut self.full[at * channels..][..channels];
                    to.iter_mut().zip(sent).for_each(|(to, from)| *to += from);
                }
            }
            dx.copy_from_slice(&self.full[inside.clone()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, Stream, Tensor};

    /// Every input and every tap, against what the taps of each output say.
    #[test]
    fn taps_meet_the_outputs_that_see_an_input() {
        for (inputs, taps, dilation, before, after) in [
            (9, 5, 1, 0, 0),
            (9, 3, 2, 1, 2),
            (4, 4, 1, 3, 3),
            (7, 3, 3, 0, 5),
            (5, 1, 1, 2, 0),
        ] {
            let axis = Axis {
                inputs,
                taps,
                dilation,
                before,
                after,
                stride: 1,
                outputs: inputs + before + after - (taps - 1) * dilation,
            };
            for input in 0..inputs {
                let (output, first, count) = taps_of(&axis, input);
                let found: Vec<_> = (0..count)
                    .map(|i| (output + i * dilation, taps - 1 - (first + i)))
                    .collect();
                let mut expected: Vec<_> = (0..axis.outputs)
                    .flat_map(|output| (0..taps).map(move |tap| (output, tap)))
                    .filter(|&(output, tap)| axis.input(output, tap) == Some(input))
                    .collect();
                expected.sort_unstable();
                assert_eq!(found, expected, "{axis:?}, input {input}");
            }
        }
    }

    /// Against the convolution of the padded gradient, wherever both are possible, chosen or not.
    #[test]
    fn both_ways_have_the_same_sums() {
        use super::super::{Way, input_gradient_by};
        let axes = [
            (1, 1, 1, 0, 0),
            (5, 1, 1, 0, 0),
            (9, 5, 1, 0, 0),
            (9, 5, 1, 2, 2),
            (12, 3, 2, 1, 2),
            (3, 7, 1, 6, 4),
            (20, 2, 5, 0, 0),
            (33, 5, 1, 4, 0),
        ];
        let axis =
            |(inputs, taps, dilation, before, after): (usize, usize, usize, usize, usize)| Axis {
                inputs,
                taps,
                dilation,
                before,
                after,
                stride: 1,
                outputs: inputs + before + after - (taps - 1) * dilation,
            };
        let mut draws = 0..;
        let mut values = |len: usize| {
            let key = Seed(1).key(Stream::User(0), draws.next().unwrap());
            Tensor::<f32>::uniform([len], -0.5, 0.5, key).to_vec()
        };
        for (n, rows) in axes.into_iter().enumerate() {
            for columns in axes {
                for [channels, filters] in [[1, 3], [6, 16], [17, 5]] {
                    let g = ConvGeometry {
                        n: n % 3 + 1,
                        rows: axis(rows),
                        columns: axis(columns),
                        channels,
                        filters,
                        groups: 1,
                    };
                    let dy = values(g.n * g.output());
                    let kernel = values(g.rows.taps * g.columns.taps * channels * filters);
                    let addend = values(g.n * g.image());
                    let [mut direct, mut folded] = [(); 2].map(|()| vec![f32::NAN; addend.len()]);
                    let way = Some(Way::Direct);
                    input_gradient_by(way, &g, &dy, &kernel, Some(&addend), &mut direct);
                    input_gradient(&g, &dy, &kernel, &After::sum(Some(&addend)), &mut folded);
                    let terms = (g.rows.taps * g.columns.taps * filters) as f32;
                    for (direct, folded) in direct.iter().zip(&folded) {
                        let far = (direct - folded).abs();
                        assert!(
                            far <= 3e-8 * terms.max(32.0),
                            "{g:?}: {direct} and {folded}"
                        );
                    }
                }
            }
        }
    }
}
