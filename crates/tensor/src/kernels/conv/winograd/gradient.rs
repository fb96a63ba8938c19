//! The gradient with respect to the kernel: the adjoint of the forward pass.

use super::memory::{square, step, with_square, with_transformed};
use super::tiles::{Part, TransformTiles, transform_inputs};
use super::tiling::Tiling;
use crate::kernels::conv::plane::Plane;
use crate::kernels::cut::sum_images;
use crate::kernels::scratch;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk};
use crate::simd::winograd::{INPUTS, OUTPUTS, OutputGradient, WeightsGradient, apply};
use crate::simd::{Simd, WithSimd, dispatch};

/// What this way takes of the products, at most.
const SAVED: usize = 4;

/// The gradient with respect to the kernel, images lent by `lend`: each task sums its images, the tasks' sums are added over
/// a fixed tree.
pub(crate) fn kernel_gradient<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync>(
    tiling: &Tiling,
    dy: &[f32],
    lend: L,
    dk: &mut [f32],
) {
    let plane = &tiling.plane;
    let image = plane.output[0] * plane.output[1] * plane.filters;
    let products = plane.output[0] * plane.row_products() / SAVED;
    sum_images(dy.len() / image, products, dk, |numbers, dk| {
        scratch::with(tiling.weights(), |sums| {
            sums.fill(0.0);
            let (mut first, last) = (numbers.start, numbers.end);
            while first < last {
                let images = tiling.images().min(last - first);
                let rows = if images > 1 {
                    tiling.tiles[0]
                } else {
                    tiling.rows()
                };
                for row in (0..tiling.tiles[0]).step_by(rows) {
                    let rows = rows.min(tiling.tiles[0] - row);
                    add_block(tiling, dy, &lend, first..first + images, row, rows, sums);
                }
                first += images;
            }
            dispatch(SumsBack { plane, sums, dk });
        });
    });
}

/// Adds what `rows` tile rows from `row` on of some images give to the gradient of the transformed kernel.
fn add_block<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync>(
    tiling: &Tiling,
    dy: &[f32],
    lend: &L,
    images: std::ops::Range<usize>,
    row: usize,
    rows: usize,
    sums: &mut [f32],
) {
    let plane = &tiling.plane;
    let image = plane.output[0] * plane.output[1] * plane.filters;
    let tiles = rows * tiling.tiles[1];
    let count = images.len() * tiles;
    with_transformed(count, plane.channels, |inputs| {
        with_transformed(count, plane.filters, |outputs| {
            for (i, number) in images.enumerate() {
                let part = Part {
                    row,
                    across: tiling.tiles[1],
                    tiles,
                    first: i * tiles,
                    count,
                };
                lend(number, &mut |x| transform_inputs(plane, x, part, inputs));
                with_square(OUTPUTS, plane.filters, |edge| {
                    dispatch(TransformTiles {
                        transform: OutputGradient,
                        image: &dy[number * image..][..image],
                        size: plane.output,
                        channels: plane.filters,
                        part,
                        edge,
                        transformed: &mut *outputs,
                    });
                });
            }
            dispatch(GradientProducts {
                plane,
                count,
                inputs,
                outputs,
                sums,
            });
        });
    });
}

/// One matrix product a position: channels × tiles × filters, added to the sums.
struct GradientProducts<'a> {
    plane: &'a Plane,
    count: usize,
    inputs: &'a [f32],
    outputs: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for GradientProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            channels, filters, ..
        } = *self.plane;
        let walk = Walk::line(self.count, [channels, filters]);
        let inputs = self.inputs.chunks_exact(step(self.count, channels));
        let outputs = self.outputs.chunks_exact(step(self.count, filters));
        let sums = self.sums.chunks_exact_mut(step(channels, filters));
        for ((a, b), c) in inputs.zip(outputs).zip(sums) {
            let tile = Tile {
                a,
                a_step: 1,
                b,
                walk,
                start: Start::Output,
                relu: false,
            };
            tile.cover(simd, BlockMut::new(c, channels, filters, filters));
        }
    }
}

/// The gradient of the transformed kernel, taken back to the 3×3 kernel.
struct SumsBack<'a> {
    plane: &'a Plane,
    sums: &'a [f32],
    dk: &'a mut [f32],
}

impl WithSimd for SumsBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            channels, filters, ..
        } = *self.plane;
        let plane = channels * filters;
        for at in (0..plane).step_by(filters) {
            apply(
                simd,
                WeightsGradient,
                filters,
                (&self.sums[at..], square::<INPUTS>(step(channels, filters))),
                (&mut self.dk[at..], square::<3>(plane)),
            );
        }
    }
}
