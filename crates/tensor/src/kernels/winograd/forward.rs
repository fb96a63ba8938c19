//! Forward: transform, multiply, transform back.

use super::tiles::{Part, transform_inputs};
use super::{Tiling, square, step, with_square, with_transformed};
use crate::kernels::conv::Plane;
use crate::kernels::elementwise::{DropInPlace, dropout_in_place};
use crate::kernels::pooled::MaximaAndWinners;
use crate::kernels::{Epilogue, scratch};
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk};
use crate::simd::winograd::{
    Finish, INPUTS, OUTPUTS, Output, Steps, Weights, apply, apply_windows, maxima_and_winners,
};
use crate::simd::{Kernel, Simd, dispatch};
use std::ops::Range;

/// What a convolution needs beside its images.
pub(crate) struct Convolution<'a, L> {
    pub(crate) tiling: Tiling,
    /// The transformed kernel.
    pub(crate) weights: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) epilogue: Epilogue,
    /// Lends a padded image, by its number.
    pub(crate) lend: L,
}

/// Transforms the kernel and lends the convolution to `work`.
pub(crate) fn with_kernel<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync>(
    tiling: Tiling,
    kernel: &[f32],
    bias: Option<&[f32]>,
    epilogue: &Epilogue,
    lend: L,
    work: impl FnOnce(&Convolution<'_, L>),
) {
    scratch::with(tiling.weights(), |weights| {
        transform_kernel(&tiling.plane, kernel, weights);
        work(&Convolution {
            tiling,
            weights,
            bias,
            epilogue: *epilogue,
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

/// Where outputs go.
pub(crate) enum Target<'a> {
    /// All of them.
    Plain(&'a mut [f32]),
    /// The maxima of 2×2 and who won.
    Pooled(&'a mut [f32], &'a mut [u8]),
    /// The maxima of 2×2, without dropout.
    Maxima(&'a mut [f32]),
}

impl<'a> Target<'a> {
    /// Height and width of an image's part of it.
    fn size(&self, plane: &Plane) -> [usize; 2] {
        plane.output.map(|outputs| outputs / self.step())
    }

    /// Outputs that make one of the target, down and across.
    fn step(&self) -> usize {
        match self {
            Target::Plain(_) => 1,
            Target::Pooled(..) | Target::Maxima(_) => 2,
        }
    }

    fn len(&self) -> usize {
        match self {
            Target::Plain(y) | Target::Pooled(y, _) | Target::Maxima(y) => y.len(),
        }
    }

    fn split_at(self, at: usize) -> (Target<'a>, Target<'a>) {
        match self {
            Target::Plain(y) => {
                let (left, right) = y.split_at_mut(at);
                (Target::Plain(left), Target::Plain(right))
            }
            Target::Maxima(y) => {
                let (left, right) = y.split_at_mut(at);
                (Target::Maxima(left), Target::Maxima(right))
            }
            Target::Pooled(y, winners) => {
                let (left, right) = y.split_at_mut(at);
                let (left_winners, right_winners) = winners.split_at_mut(at);
                (
                    Target::Pooled(left, left_winners),
                    Target::Pooled(right, right_winners),
                )
            }
        }
    }
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
                    bias: self.bias,
                    epilogue: self.epilogue,
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

impl Kernel for KernelTransform<'_> {
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

impl Kernel for Products<'_> {
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

/// Transforms the products of a block back.
struct OutputTiles<'a> {
    plane: &'a Plane,
    first_row: usize,
    across: usize,
    count: usize,
    /// Tiles of one image.
    tiles: usize,
    transformed: &'a [f32],
    bias: Option<&'a [f32]>,
    epilogue: Epilogue,
}

impl OutputTiles<'_> {
    /// Every image of the block; `image` values of the target each.
    fn all(&self, first_image: usize, image: usize, target: Target<'_>) {
        let row = self.plane.output[1] * self.plane.filters;
        let position =
            |i: usize| ((first_image + i) * self.plane.output[0] + self.first_row * OUTPUTS) * row;
        match target {
            Target::Plain(y) => {
                for (i, y) in y.chunks_exact_mut(image).enumerate() {
                    self.plain::<1>(i, y);
                    if let Some(dropout) = self.epilogue.dropout {
                        dropout_in_place(y, &dropout, position(i));
                    }
                }
            }
            Target::Maxima(y) => {
                for (i, y) in y.chunks_exact_mut(image).enumerate() {
                    self.plain::<2>(i, y);
                }
            }
            Target::Pooled(y, winners) => {
                let images = y
                    .chunks_exact_mut(image)
                    .zip(winners.chunks_exact_mut(image));
                for (i, (y, winners)) in images.enumerate() {
                    self.pooled(i, position(i), y, winners);
                }
            }
        }
    }

    /// Image `i` of the block, or the maxima of its windows.
    fn plain<const WINDOW: usize>(&self, i: usize, y: &mut [f32]) {
        with_square(OUTPUTS / WINDOW, self.plane.filters, |edge| {
            dispatch(Plain::<WINDOW> {
                edge,
                from: self,
                first: i * self.tiles,
                y,
            });
        });
    }

    /// Image `i` of the block, whose first output dropout counts from `position`.
    fn pooled(&self, i: usize, position: usize, y: &mut [f32], winners: &mut [u8]) {
        with_square(OUTPUTS, self.plane.filters, |outputs| {
            dispatch(Pooled {
                outputs,
                from: self,
                first: i * self.tiles,
                position,
                y,
                winners,
            });
        });
    }

    /// The 4×4 outputs of a tile of the block, or the maxima of their windows.
    #[inline(always)]
    fn outputs<S: Simd, const WINDOW: usize>(
        &self,
        simd: S,
        tile: usize,
        to: &mut [f32],
        to_step: Steps,
    ) {
        let filters = self.plane.filters;
        let finish = Finish {
            bias: self.bias,
            relu: self.epilogue.relu,
        };
        apply_windows::<S, Output, INPUTS, OUTPUTS, WINDOW>(
            simd,
            Output,
            filters,
            self.products(tile),
            (to, to_step),
            Some(finish),
        );
    }

    /// The maxima of a tile's 2×2 windows, which of the four each is, behind bias and relu.
    #[inline(always)]
    fn maxima_and_winners<S: Simd>(
        &self,
        simd: S,
        tile: usize,
        to: (&mut [f32], &mut [u8], Steps),
    ) {
        maxima_and_winners(simd, self.plane.filters, self.products(tile), self.bias, to);
    }

    /// The 6×6 sums of products of a tile of the block.
    #[inline(always)]
    fn products(&self, tile: usize) -> (&[f32], Steps) {
        let filters = self.plane.filters;
        (
            &self.transformed[tile * filters..],
            square::<INPUTS>(step(self.count, filters)),
        )
    }
}

/// One image's tiles, or the maxima of their windows, written to the output.
struct Plain<'a, const WINDOW: usize> {
    /// What a tile makes, for tiles that reach beyond the image.
    edge: &'a mut [f32],
    from: &'a OutputTiles<'a>,
    first: usize,
    y: &'a mut [f32],
}

impl<const WINDOW: usize> Kernel for Plain<'_, WINDOW> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (filters, side) = (self.from.plane.filters, OUTPUTS / WINDOW);
        let width = self.from.plane.output[1] / WINDOW;
        let row = width * filters;
        let height = self.y.len() / row;
        let edge = self.edge;
        for tile in 0..self.from.tiles {
            let (y, x) = (
                tile / self.from.across * side,
                tile % self.from.across * side,
            );
            let (rows, columns) = (side.min(height - y), side.min(width - x));
            if rows == 0 || columns == 0 {
                continue; // no window is whole
            }
            let to = &mut self.y[y * row + x * filters..];
            if rows == side && columns == side {
                let steps = Steps {
                    row,
                    column: filters,
                };
                let tile = self.first + tile;
                self.from.outputs::<S, WINDOW>(simd, tile, to, steps);
                continue;
            }
            let steps = Steps {
                row: side * filters,
                column: filters,
            };
            self.from
                .outputs::<S, WINDOW>(simd, self.first + tile, edge, steps);
            for i in 0..rows {
                to[i * row..][..columns * filters]
                    .copy_from_slice(&edge[i * side * filters..][..columns * filters]);
            }
        }
    }
}

/// One image's tiles: relu, dropout, then the maxima of their windows, and which value won.
struct Pooled<'a> {
    /// A tile's 4×4 outputs.
    outputs: &'a mut [f32],
    from: &'a OutputTiles<'a>,
    first: usize,
    /// Of the first output, which dropout counts from.
    position: usize,
    y: &'a mut [f32],
    winners: &'a mut [u8],
}

impl Kernel for Pooled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (filters, width) = (self.from.plane.filters, self.from.plane.output[1]);
        let (row, line) = (width / 2 * filters, OUTPUTS * filters);
        let height = self.y.len() / row.max(1);
        let outputs = self.outputs;
        for tile in 0..self.from.tiles {
            let (y, x) = (
                tile / self.from.across * OUTPUTS,
                tile % self.from.across * OUTPUTS,
            );
            let windows = (OUTPUTS / 2).min(width / 2 - x / 2);
            let is_whole = windows == OUTPUTS / 2 && y / 2 + OUTPUTS / 2 <= height;
            if is_whole && self.from.epilogue.dropout.is_none() {
                let at = y / 2 * row + x / 2 * filters;
                let steps = Steps {
                    row,
                    column: filters,
                };
                let to = (&mut self.y[at..], &mut self.winners[at..], steps);
                self.from.maxima_and_winners(simd, self.first + tile, to);
                continue;
            }
            self.from.outputs::<S, 1>(
                simd,
                self.first + tile,
                &mut *outputs,
                square::<OUTPUTS>(filters),
            );
            if let Some(dropout) = self.from.epilogue.dropout {
                let used = OUTPUTS.min(width - x) * filters;
                for (i, line) in outputs.chunks_exact_mut(line).enumerate() {
                    DropInPlace {
                        y: &mut line[..used],
                        dropout,
                        position: self.position + ((y + i) * width + x) * filters,
                    }
                    .run(simd);
                }
            }
            let windows = windows * filters;
            for (i, pair) in outputs.chunks_exact(2 * line).enumerate() {
                if windows > 0 && y / 2 + i < height {
                    let at = (y / 2 + i) * row + x / 2 * filters;
                    MaximaAndWinners {
                        pair,
                        filters,
                        y: &mut self.y[at..][..windows],
                        winners: &mut self.winners[at..][..windows],
                    }
                    .run(simd);
                }
            }
        }
    }
}
