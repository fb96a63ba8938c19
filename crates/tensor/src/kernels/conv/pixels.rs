//! 1×1 convolutions without strides: no pixel sees another, so all pixels of the batch are one row of an image.
//!
//! The direct way's tiles end with each row of each image; here they do not, so that small images fill them, too, and both
//! gradients become one product over all pixels: there is nothing to pad, and the kernel's gradient is taken up and put down
//! once for many images.

use super::direct::DirectKernelGradient;
use super::plane::Plane;
use crate::kernels::arguments::After;
use crate::kernels::cut::{TASK_PRODUCTS, add_partials, together};
use crate::kernels::{elementwise, scratch};
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk};
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Pixels that fill the tiles of every instruction set.
const TILES: usize = 84;

/// dropout(relu(x · kernel + bias + addend)), some tiles of pixels a task.
pub(crate) fn forward(
    plane: &Plane,
    x: &[f32],
    kernel: &[f32],
    after: After<'_, f32>,
    y: &mut [f32],
) {
    let (channels, filters) = (plane.channels, plane.filters);
    let pixels = TASK_PRODUCTS.div_ceil(TILES * channels * filters) * TILES;
    with_rows_apart(kernel, filters, KERNEL_STEP, |kernel, b_step| {
        y.par_chunks_mut(pixels * filters)
            .zip(x.par_chunks(pixels * channels))
            .enumerate()
            .with_min_len(together(pixels * channels * filters))
            .for_each(|(task, (y, x))| {
                with_rows_apart(x, channels, PIXEL_STEP, |x, a_step| {
                    let tile = Tile {
                        a: x,
                        a_step,
                        b: kernel,
                        walk: Walk::line(channels, [1, b_step]),
                        start: after.bias.map_or(Start::Zero, Start::Row),
                        relu: after.relu_behind_bias(),
                    };
                    let y = BlockMut::new(y, y.len() / filters, filters, filters);
                    dispatch(Product { tile, y });
                });
                elementwise::behind_bias(y, &after, task * pixels * filters);
            });
    });
}

/// Rows that lie a multiple of this many values apart push each other out of the caches: the kernel's, all of which a tile
/// reads, and those of a tile's pixels.
const KERNEL_STEP: usize = 256;
const PIXEL_STEP: usize = 1024;

/// Lends a matrix of rows of `len` values with its rows some distance apart, copied if they are multiples of `step`.
fn with_rows_apart<R>(
    values: &[f32],
    len: usize,
    step: usize,
    work: impl FnOnce(&[f32], usize) -> R,
) -> R {
    if !len.is_multiple_of(step) {
        return work(values, len);
    }
    let apart = len + 16;
    scratch::with(values.len() / len * apart, |copy| {
        for (to, from) in copy.chunks_exact_mut(apart).zip(values.chunks_exact(len)) {
            to[..len].copy_from_slice(from);
        }
        work(copy, apart)
    })
}

/// A task's pixels, tile by tile.
struct Product<'a> {
    tile: Tile<'a>,
    y: BlockMut<'a>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.tile.cover(simd, self.y);
    }
}

/// The kernel's gradient is summed in at most this many tasks.
const TASKS: usize = 16;
/// Values of pixels that all of the kernel's gradient is taken over before the next ones: they stay in the L2 cache.
const PIECE: usize = 1 << 17;

/// xᵀ · dy: each task sums its pixels, the tasks' sums are added over a fixed tree.
pub(crate) fn kernel_gradient(plane: &Plane, dy: &[f32], x: &[f32], dk: &mut [f32]) {
    let (channels, filters) = (plane.channels, plane.filters);
    let pixels = x.len() / channels;
    let piece = (PIECE / (channels + filters)).clamp(256, 4096);
    let least = (4 * TASK_PRODUCTS / (channels * filters)).max(256);
    let task = pixels.div_ceil(TASKS).max(least);
    let tasks = pixels.div_ceil(task);
    scratch::with(tasks * dk.len(), |partial| {
        partial
            .par_chunks_mut(dk.len())
            .zip(x.par_chunks(task * channels))
            .zip(dy.par_chunks(task * filters))
            .with_min_len(together(task * channels * filters))
            .for_each(|((dk, x), dy)| {
                dk.fill(0.0);
                let pieces = x.chunks(piece * channels).zip(dy.chunks(piece * filters));
                for (x, dy) in pieces {
                    let pixels = x.len() / channels;
                    dispatch(DirectKernelGradient {
                        plane: Plane {
                            width: pixels,
                            output: [1, pixels],
                            ..*plane
                        },
                        x,
                        dy,
                        dk: &mut *dk,
                    });
                }
            });
        add_partials(partial, dk);
    });
}
