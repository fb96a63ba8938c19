//! Forward: transform, multiply, transform back.

use super::memory::{square, step, with_transformed};
use super::outputs::OutputTiles;
use super::target::Target;
use super::tiles::{Part, transform_inputs};
use super::tiling::Tiling;
use crate::kernels::arguments::After;
use crate::kernels::conv::plane::Plane;
use crate::kernels::scratch;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk};
use crate::simd::winograd::{INPUTS, OUTPUTS, Weights, apply};
use crate::simd::{Simd, WithSimd, dispatch};
use std::ops::Range;

/// What a convolution needs beside its images.
pub(crate) struct Convolution<'a, L> {
    pub(crate) tiling: Tiling,
    /// The transformed kernel.
    pub(crate) weights: &'a [f32],
    pub(crate) after: After<'a, f32>,
    /// Lends a padded image, by its number.
    pub(crate) lend: L,
}

/// Transforms the kernel and lends the convolution to `work`.
pub(crate) fn with_kernel<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync>(
    tiling: Tiling,
    kernel: &[f32],
    after: After<'_, f32>,
    lend: L,
    work: impl FnOnce(&Convolution<'_, L>),
) {
    scratch::with(tiling.weights(), |weights| {
        transform_kernel(&tiling.plane, kernel, weights);
        work(&Convolution {
            tiling,
            weights,
            after,
            lend,
        });
    });
}

/// How the work is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Block by block, side by side.
    Blocks,
    /// Tile row by tile row, side by side: for a single image.
    TileRows,
    /// Block by block, by the calling thread.
    Here,
}

/// The blocks of a target: whole images, or some tile rows of one.
#[derive(Clone, Copy)]
struct Blocks {
    /// Images of a block; where it is one, the image has `per_image` blocks.
    images: usize,
    per_image: usize,
    /// Tile rows of a block.
    rows: usize,
    /// Values of an image, and of a block's rows of it, in the target.
    image: usize,
    band: usize,
}

impl Blocks {
    /// First image and first tile row of a block.
    fn first(&self, block: usize) -> [usize; 2] {
        [
            block / self.per_image * self.images,
            block % self.per_image * self.rows,
        ]
    }

    /// Where it begins in the target.
    fn start(&self, block: usize) -> usize {
        block / self.per_image * self.images * self.image + block % self.per_image * self.band
    }
}

impl<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync> Convolution<'_, L> {
    /// Convolves as many images as the target holds.
    pub(crate) fn run(&self, target: Target<'_>, order: Order) {
        if target.len() == 0 {
            return;
        }
        let (tiling, plane) = (&self.tiling, &self.tiling.plane);
        let [height, width] = target.size(plane);
        let row = width * plane.filters;
        let (images, rows) = match (tiling.images(), order) {
            (_, Order::TileRows) => (1, 1),
            (1, _) => (1, tiling.rows()),
            (images, _) => (images, tiling.tiles[0]),
        };
        let blocks = Blocks {
            images,
            rows,
            per_image: height.div_ceil(rows * OUTPUTS / target.step()),
            image: height * row,
            band: rows * OUTPUTS / target.step() * row,
        };
        let count = (target.len() / blocks.image).div_ceil(images) * blocks.per_image;
        self.blocks(&blocks, 0..count, target, order);
    }

    /// Halves the blocks until one is left.
    fn blocks(&self, blocks: &Blocks, which: Range<usize>, target: Target<'_>, order: Order) {
        if which.len() == 1 {
            let [image, row] = blocks.first(which.start);
            return self.block(image, row, target);
        }
        let middle = which.start + which.len() / 2;
        let at = blocks.start(middle) - blocks.start(which.start);
        let (left, right) = target.split_at(at);
        let left = || self.blocks(blocks, which.start..middle, left, order);
        let right = || self.blocks(blocks, middle..which.end, right, order);
        if order == Order::Here {
            left();
            right();
        } else {
            rayon::join(left, right);
        }
    }

    /// The tile rows from `first_row` on of the images from `first_image` on, as many as the target holds.
    fn block(&self, first_image: usize, first_row: usize, target: Target<'_>) {
        let (tiling, plane) = (&self.tiling, &self.tiling.plane);
        let [height, columns] = target.size(plane);
        let (row, side) = (columns * plane.filters, OUTPUTS / target.step());
        let bands = target.len() / row;
        let images = bands.div_ceil(height);
        let image = bands / images * row;
        let tiles = (bands / images).div_ceil(side) * tiling.tiles[1];
        let part = |i: usize| Part {
            row: first_row,
            across: tiling.tiles[1],
            tiles,
            first: i * tiles,
            count: images * tiles,
        };
        let count = images * tiles;
        with_transformed(count, plane.channels, |inputs| {
            with_transformed(count, plane.filters, |outputs| {
                for i in 0..images {
                    (self.lend)(first_image + i, &mut |x| {
                        transform_inputs(plane, x, part(i), inputs);
                    });
                }
                dispatch(Products {
                    plane,
                    count,
                    inputs,
                    weights: self.weights,
                    outputs: &mut *outputs,
                });
                let spread = OutputTiles {
                    plane,
                    first_row,
                    across: tiling.tiles[1],
                    count,
                    tiles,
                    transformed: outputs,
                    after: self.after,
                };
                spread.all(first_image, image, target);
            });
        });
    }
}

/// `[3, 3, in, out]` → `[36, in, out]`, with a gap behind each position.
pub(crate) fn transform_kernel(plane: &Plane, kernel: &[f32], transformed: &mut [f32]) {
    dispatch(KernelTransform {
        channels: plane.channels,
        filters: plane.filters,
        kernel,
        transformed,
    });
}

struct KernelTransform<'a> {
    channels: usize,
    filters: usize,
    kernel: &'a [f32],
    transformed: &'a mut [f32],
}

impl WithSimd for KernelTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let plane = self.channels * self.filters;
        for at in (0..plane).step_by(self.filters) {
            apply(
                simd,
                Weights,
                self.filters,
                (&self.kernel[at..], square::<3>(plane)),
                (
                    &mut self.transformed[at..],
                    square::<INPUTS>(step(self.channels, self.filters)),
                ),
            );
        }
    }
}

/// One matrix product a position: tiles × channels × filters.
struct Products<'a> {
    plane: &'a Plane,
    count: usize,
    inputs: &'a [f32],
    weights: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            channels, filters, ..
        } = *self.plane;
        let walk = Walk::line(channels, [1, filters]);
        let inputs = self.inputs.chunks_exact(step(self.count, channels));
        let outputs = self.outputs.chunks_exact_mut(step(self.count, filters));
        let weights = self.weights.chunks_exact(step(channels, filters));
        for ((a, b), c) in inputs.zip(weights).zip(outputs) {
            let tile = Tile {
                a,
                a_step: channels,
                b,
                walk,
                start: Start::Zero,
                relu: false,
            };
            tile.cover(simd, BlockMut::new(c, self.count, filters, filters));
        }
    }
}
