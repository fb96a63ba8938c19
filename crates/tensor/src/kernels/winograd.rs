//! 3×3 convolutions with stride 1 by Winograd's F(4×4, 3×3): a quarter of the products, between transforms.
//!
//! A block of tiles is transformed (36 positions, one small matrix a position), multiplied with the transformed kernel by
//! the register tile, and transformed back, so that everything between lies in the L2 cache. Blocks are whole tile rows of
//! an image, or several whole images where these are small. Sums of one output do not depend on the block it is in.

use super::conv::{Plane, add_partials, images_per_task};
use super::elementwise::{DropInPlace, dropout_in_place};
use super::pooled::Maxima;
use super::{Epilogue, scratch};
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly};
use crate::simd::winograd::{
    Finish, INPUTS, Input, OUTPUTS, Output, OutputGradient, POSITIONS, Steps, Weights,
    WeightsGradient, apply,
};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// Values between the positions of a transformed block, so that they do not lie a power of two apart, where the caches
/// could keep only a few of them.
const GAP: usize = 16;

/// How an image's output is cut into tiles of 4×4.
#[derive(Clone, Copy)]
pub(crate) struct Tiling {
    plane: Plane,
    /// Tiles down and across.
    tiles: [usize; 2],
    /// Tiles that a block holds, roughly.
    block: usize,
}

impl Tiling {
    /// The tiling of the convolution, or nothing where it is not 3×3 with stride 1 or the direct way is expected to be
    /// faster.
    pub(crate) fn of(plane: &Plane) -> Option<Tiling> {
        let fits = plane.taps == [3, 3]
            && plane.strides == [1, 1]
            && plane.dilation == [1, 1]
            && plane.groups == 1;
        let (channels, filters) = (plane.channels, plane.filters);
        let tiles = plane.output.map(|outputs| outputs.div_ceil(OUTPUTS));
        let (outputs, tiled) = (plane.output[0] * plane.output[1], tiles[0] * tiles[1]);
        // Products of the direct way and of this one, the transforms counted as `TRANSFORM` products a value.
        let direct = outputs * 9 * channels * filters;
        let here = tiled * POSITIONS * (channels * filters + TRANSFORM * (channels + filters));
        let balanced = channels * filters / (2 * (channels + filters)).max(1);
        (fits && here < direct).then_some(Tiling {
            plane: *plane,
            tiles,
            block: balanced.clamp(12, 64),
        })
    }

    /// Values of the transformed kernel.
    pub(crate) fn weights(&self) -> usize {
        POSITIONS * self.plane.channels * self.plane.filters
    }

    /// Whole images of a block: at least one.
    fn images(&self) -> usize {
        (self.block / (self.tiles[0] * self.tiles[1]).max(1)).max(1)
    }

    /// Tile rows of a block, where an image has several blocks.
    fn rows(&self) -> usize {
        (self.block / self.tiles[1].max(1)).clamp(1, self.tiles[0])
    }
}

/// What a value's transforms cost, counted in products: measured, see README.md.
const TRANSFORM: usize = 8;

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

/// Rows of `SIDE` values that are `step` apart.
#[inline(always)]
fn square<const SIDE: usize>(step: usize) -> Steps {
    Steps {
        row: SIDE * step,
        column: step,
    }
}

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
        let rows = (bands / images).div_ceil(side);
        let part = rows * tiling.tiles[1];
        let count = images * part;
        with_transformed(count, plane.channels, |inputs| {
            with_transformed(count, plane.filters, |outputs| {
                for i in 0..images {
                    (self.lend)(first_image + i, &mut |x| {
                        with_square(INPUTS, plane.channels, |edge| {
                            dispatch(InputTiles {
                                edge,
                                plane,
                                x,
                                first_row,
                                across: tiling.tiles[1],
                                count,
                                first: i * part,
                                tiles: part,
                                transformed: &mut *inputs,
                            })
                        });
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
                    tiles: part,
                    transformed: outputs,
                    bias: self.bias,
                    epilogue: self.epilogue,
                };
                spread.all(first_image, image, target);
            });
        });
    }
}

/// Lends the transformed values of `count` tiles.
fn with_transformed<R>(count: usize, channels: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    scratch::with(POSITIONS * step(count, channels), work)
}

/// Lends a square of pixels: not taken inside a kernel, whose closures would not be compiled for the instruction set.
fn with_square<R>(side: usize, channels: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    scratch::with(side * side * channels, work)
}

/// From one position of a block of transformed tiles to the next.
#[inline(always)]
fn step(count: usize, channels: usize) -> usize {
    count * channels + GAP
}

/// Transforms an image's tiles, from tile `first` of the block on.
struct InputTiles<'a> {
    /// 6×6 pixels, for tiles that reach beyond the image.
    edge: &'a mut [f32],
    plane: &'a Plane,
    x: &'a [f32],
    first_row: usize,
    across: usize,
    count: usize,
    first: usize,
    tiles: usize,
    transformed: &'a mut [f32],
}

impl Kernel for InputTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (channels, width) = (self.plane.channels, self.plane.width);
        let height = self.plane.output[0] + 2;
        let to = square::<INPUTS>(step(self.count, channels));
        let edge = self.edge;
        for tile in 0..self.tiles {
            let y = (self.first_row + tile / self.across) * OUTPUTS;
            let x = tile % self.across * OUTPUTS;
            let (rows, columns) = (INPUTS.min(height - y), INPUTS.min(width - x));
            let inputs = &self.x[(y * width + x) * channels..];
            let transformed = &mut self.transformed[(self.first + tile) * channels..];
            let inside = Steps {
                row: width * channels,
                column: channels,
            };
            if rows == INPUTS && columns == INPUTS {
                let from = (inputs, inside);
                apply(
                    simd,
                    Input,
                    channels,
                    from,
                    (transformed, to),
                    Finish::default(),
                );
                continue;
            }
            edge.fill(0.0);
            for row in 0..rows {
                edge[row * INPUTS * channels..][..columns * channels]
                    .copy_from_slice(&inputs[row * inside.row..][..columns * channels]);
            }
            let from = (&*edge, square::<INPUTS>(channels));
            apply(
                simd,
                Input,
                channels,
                from,
                (transformed, to),
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
    let (n, len) = (dy.len() / image, dk.len());
    let per_task = images_per_task(n);
    scratch::with(n.div_ceil(per_task) * len, |partial| {
        let tasks = partial.par_chunks_mut(len).enumerate();
        tasks.for_each(|(task, dk)| {
            scratch::with(tiling.weights(), |sums| {
                sums.fill(0.0);
                let (mut first, last) = (task * per_task, ((task + 1) * per_task).min(n));
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
        add_partials(partial, dk);
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
    let (across, part) = (tiling.tiles[1], rows * tiling.tiles[1]);
    let count = images.len() * part;
    with_transformed(count, plane.channels, |inputs| {
        with_transformed(count, plane.filters, |outputs| {
            for (i, number) in images.enumerate() {
                lend(number, &mut |x| {
                    with_square(INPUTS, plane.channels, |edge| {
                        dispatch(InputTiles {
                            edge,
                            plane,
                            x,
                            first_row: row,
                            across,
                            count,
                            first: i * part,
                            tiles: part,
                            transformed: &mut *inputs,
                        })
                    });
                });
                with_square(OUTPUTS, plane.filters, |edge| {
                    dispatch(GradientTiles {
                        edge,
                        plane,
                        dy: &dy[number * image..][..image],
                        first_row: row,
                        across,
                        count,
                        first: i * part,
                        tiles: part,
                        transformed: &mut *outputs,
                    })
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

/// Transforms the gradients of an image's outputs.
struct GradientTiles<'a> {
    /// 4×4 outputs, for tiles that reach beyond the image.
    edge: &'a mut [f32],
    plane: &'a Plane,
    dy: &'a [f32],
    first_row: usize,
    across: usize,
    count: usize,
    first: usize,
    tiles: usize,
    transformed: &'a mut [f32],
}

impl Kernel for GradientTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (filters, [height, width]) = (self.plane.filters, self.plane.output);
        let to = square::<INPUTS>(step(self.count, filters));
        let edge = self.edge;
        for tile in 0..self.tiles {
            let y = (self.first_row + tile / self.across) * OUTPUTS;
            let x = tile % self.across * OUTPUTS;
            let (rows, columns) = (OUTPUTS.min(height - y), OUTPUTS.min(width - x));
            let dy = &self.dy[(y * width + x) * filters..];
            let transformed = &mut self.transformed[(self.first + tile) * filters..];
            let inside = Steps {
                row: width * filters,
                column: filters,
            };
            if rows == OUTPUTS && columns == OUTPUTS {
                let from = (dy, inside);
                apply(
                    simd,
                    OutputGradient,
                    filters,
                    from,
                    (transformed, to),
                    Finish::default(),
                );
                continue;
            }
            edge.fill(0.0);
            for row in 0..rows {
                edge[row * OUTPUTS * filters..][..columns * filters]
                    .copy_from_slice(&dy[row * inside.row..][..columns * filters]);
            }
            let from = (&*edge, square::<OUTPUTS>(filters));
            apply(
                simd,
                OutputGradient,
                filters,
                from,
                (transformed, to),
                Finish::default(),
            );
        }
    }
}

/// One matrix product a position: channels × tiles × filters, added to the sums.
struct GradientProducts<'a> {
    plane: &'a Plane,
    count: usize,
    inputs: &'a [f32],
    outputs: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for GradientProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Plane {
            channels, filters, ..
        } = *self.plane;
        let walk = Walk::line(self.count, [channels, filters]);
        let inputs = self.inputs.chunks_exact(step(self.count, channels));
        let outputs = self.outputs.chunks_exact(step(self.count, filters));
        let sums = self.sums.chunks_exact_mut(channels * filters);
        for ((a, b), c) in inputs.zip(outputs).zip(sums) {
            let mut c = BlockMut::new(c, channels, filters, filters);
            for (column, columns) in evenly(filters, 2 * S::LANES) {
                for (row, rows) in evenly(channels, S::ROWS) {
                    let tile = Tile {
                        a: &a[row..],
                        a_step: 1,
                        b: &b[column..],
                        walk,
                        start: Start::Output,
                        relu: false,
                    };
                    simd.tile(&tile, c.part(row, rows, column, columns));
                }
            }
        }
    }
}

/// The gradient of the transformed kernel, taken back to the 3×3 kernel.
struct SumsBack<'a> {
    plane: &'a Plane,
    sums: &'a [f32],
    dk: &'a mut [f32],
}

impl Kernel for SumsBack<'_> {
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
                (&self.sums[at..], square::<INPUTS>(plane)),
                (&mut self.dk[at..], square::<3>(plane)),
                Finish::default(),
            );
        }
    }
}
