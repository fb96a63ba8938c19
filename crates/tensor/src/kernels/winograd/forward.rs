//! Forward: transform, multiply, transform back.

use super::tiles::{Part, transform_inputs};
use super::{Tiling, square, step, with_square, with_transformed};
use crate::kernels::conv::Plane;
use crate::kernels::elementwise::{DropInPlace, dropout_in_place};
use crate::kernels::pooled::Maxima;
use crate::kernels::{Epilogue, scratch};
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly};
use crate::simd::winograd::{Finish, INPUTS, OUTPUTS, Output, Steps, Weights, apply};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

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
pub(crate) fn with_kernel<L>(
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

/// Where a block's outputs go: its rows of `images` images.
enum Target<'a> {
    Plain(&'a mut [f32]),
    Pooled(&'a mut [f32], &'a mut [u8]),
}

impl<L: Fn(usize, &mut dyn FnMut(&[f32])) + Sync> Convolution<'_, L> {
    /// All images, whole outputs.
    pub(crate) fn forward(&self, y: &mut [f32]) {
        let (tiling, plane) = (&self.tiling, &self.tiling.plane);
        let row = plane.output[1] * plane.filters;
        let (image, images) = (plane.output[0] * row, tiling.images());
        if images > 1 {
            let blocks = y.par_chunks_mut(images * image).enumerate();
            return blocks.for_each(|(i, y)| self.block(i * images, 0, Target::Plain(y)));
        }
        let rows = tiling.rows();
        y.par_chunks_mut(image).enumerate().for_each(|(number, y)| {
            let blocks = y.par_chunks_mut(rows * OUTPUTS * row).enumerate();
            blocks.for_each(|(i, y)| self.block(number, i * rows, Target::Plain(y)));
        });
    }

    /// All images, maxima of 2×2 and who won.
    pub(crate) fn forward_pooled(&self, y: &mut [f32], winners: &mut [u8]) {
        let (tiling, plane) = (&self.tiling, &self.tiling.plane);
        let row = plane.output[1] / 2 * plane.filters;
        let (image, images) = (plane.output[0] / 2 * row, tiling.images());
        if images > 1 {
            let blocks = y
                .par_chunks_mut(images * image)
                .zip(winners.par_chunks_mut(images * image));
            return blocks
                .enumerate()
                .for_each(|(i, (y, w))| self.block(i * images, 0, Target::Pooled(y, w)));
        }
        let rows = tiling.rows();
        let all = y
            .par_chunks_mut(image)
            .zip(winners.par_chunks_mut(image))
            .enumerate();
        all.for_each(|(number, (y, winners))| {
            let size = rows * OUTPUTS / 2 * row;
            let blocks = y.par_chunks_mut(size).zip(winners.par_chunks_mut(size));
            blocks
                .enumerate()
                .for_each(|(i, (y, w))| self.block(number, i * rows, Target::Pooled(y, w)));
        });
    }

    /// The tile rows from `first_row` on of the images from `first_image` on, as many as the target holds.
    fn block(&self, first_image: usize, first_row: usize, target: Target<'_>) {
        let (tiling, plane) = (&self.tiling, &self.tiling.plane);
        let (columns, bands) = match &target {
            Target::Plain(y) => (plane.output[1], y.len()),
            Target::Pooled(y, _) => (plane.output[1] / 2, y.len()),
        };
        let (height, side) = match &target {
            Target::Plain(_) => (plane.output[0], OUTPUTS),
            Target::Pooled(..) => (plane.output[0] / 2, OUTPUTS / 2),
        };
        let bands = bands / (columns * plane.filters);
        let images = bands.div_ceil(height);
        let image = bands / images * columns * plane.filters;
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

/// `[3, 3, in, out]` → `[36, in, out]`.
fn transform_kernel(plane: &Plane, kernel: &[f32], transformed: &mut [f32]) {
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
                (&mut self.transformed[at..], square::<INPUTS>(plane)),
                Finish::default(),
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
        let weights = self.weights.chunks_exact(channels * filters);
        for ((a, b), c) in inputs.zip(weights).zip(outputs) {
            let mut c = BlockMut::new(c, self.count, filters, filters);
            for (column, columns) in evenly(filters, 2 * S::LANES) {
                for (row, rows) in evenly(self.count, S::ROWS) {
                    let tile = Tile {
                        a: &a[row * channels..],
                        a_step: channels,
                        b: &b[column..],
                        walk,
                        start: Start::Zero,
                        relu: false,
                    };
                    simd.tile(&tile, c.part(row, rows, column, columns));
                }
            }
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
                    with_square(OUTPUTS, self.plane.filters, |edge| {
                        dispatch(Plain {
                            edge,
                            from: self,
                            first: i * self.tiles,
                            y: &mut *y,
                        })
                    });
                    if let Some(dropout) = self.epilogue.dropout {
                        dropout_in_place(y, &dropout, position(i));
                    }
                }
            }
            Target::Pooled(y, winners) => {
                let images = y
                    .chunks_exact_mut(image)
                    .zip(winners.chunks_exact_mut(image));
                for (i, (y, winners)) in images.enumerate() {
                    with_square(OUTPUTS, self.plane.filters, |outputs| {
                        dispatch(Pooled {
                            outputs,
                            from: self,
                            first: i * self.tiles,
                            position: position(i),
                            y,
                            winners,
                        })
                    });
                }
            }
        }
    }

    /// The 4×4 outputs of a tile of the block.
    #[inline(always)]
    fn outputs<S: Simd>(&self, simd: S, tile: usize, to: &mut [f32], to_step: Steps) {
        let filters = self.plane.filters;
        let from = &self.transformed[tile * filters..];
        let from_step = square::<INPUTS>(step(self.count, filters));
        let finish = Finish {
            bias: self.bias,
            relu: self.epilogue.relu,
        };
        apply(
            simd,
            Output,
            filters,
            (from, from_step),
            (to, to_step),
            finish,
        );
    }
}

/// One image's tiles, written to the output.
struct Plain<'a> {
    /// 4×4 outputs, for tiles that reach beyond the image.
    edge: &'a mut [f32],
    from: &'a OutputTiles<'a>,
    first: usize,
    y: &'a mut [f32],
}

impl Kernel for Plain<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (filters, width) = (self.from.plane.filters, self.from.plane.output[1]);
        let row = width * filters;
        let height = self.y.len() / row;
        let edge = self.edge;
        for tile in 0..self.from.tiles {
            let (y, x) = (
                tile / self.from.across * OUTPUTS,
                tile % self.from.across * OUTPUTS,
            );
            let (rows, columns) = (OUTPUTS.min(height - y), OUTPUTS.min(width - x));
            let to = &mut self.y[y * row + x * filters..];
            if rows == OUTPUTS && columns == OUTPUTS {
                let steps = Steps {
                    row,
                    column: filters,
                };
                self.from.outputs(simd, self.first + tile, to, steps);
                continue;
            }
            let steps = square::<OUTPUTS>(filters);
            self.from.outputs(simd, self.first + tile, edge, steps);
            for i in 0..rows {
                to[i * row..][..columns * filters]
                    .copy_from_slice(&edge[i * OUTPUTS * filters..][..columns * filters]);
            }
        }
    }
}

/// One image's tiles: dropout, then the maxima of their windows.
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
            self.from.outputs(
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
            let windows = (OUTPUTS / 2).min(width / 2 - x / 2) * filters;
            for (i, pair) in outputs.chunks_exact(2 * line).enumerate() {
                if windows > 0 && y / 2 + i < height {
                    let at = (y / 2 + i) * row + x / 2 * filters;
                    Maxima {
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
