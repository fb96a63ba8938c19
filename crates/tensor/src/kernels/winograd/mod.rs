//! 3×3 convolutions with stride 1 by Winograd's F(4×4, 3×3): a quarter of the products, between transforms.
//!
//! A block of tiles is transformed (36 positions, one small matrix a position), multiplied with the transformed kernel by
//! the register tile, and transformed back, so that everything between lies in the L2 cache. Blocks are whole tile rows of
//! an image, or several whole images where these are small. Sums of one output do not depend on the block it is in.

mod forward;
mod gradient;
mod tiles;

pub(crate) use forward::{Convolution, Order, Target, transform_kernel, with_kernel};
pub(crate) use gradient::kernel_gradient;

use super::conv::Plane;
use super::scratch;
use crate::simd::winograd::{OUTPUTS, POSITIONS, Steps};

/// Values between the positions of a transformed block or kernel, so that they do not lie a power of two apart, where the caches
/// could keep only a few of them.
const GAP: usize = 16;

/// How an image's output is cut into tiles of 4×4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling {
    plane: Plane,
    /// Tiles down and across.
    tiles: [usize; 2],
    /// Tiles that a block holds, roughly.
    block: usize,
}

impl Tiling {
    /// The tiling of the convolution where this way is open and expected to be the faster one.
    pub(crate) fn of(plane: &Plane) -> Option<Tiling> {
        Tiling::possible(plane).filter(|tiling| tiling.products(0.0) < tiling.direct_products())
    }

    /// The same for its kernel gradient, which each task sums over `images` images.
    pub(crate) fn of_gradient(plane: &Plane, images: usize) -> Option<Tiling> {
        Tiling::possible(plane).filter(|tiling| {
            let [down, across] = tiling.tiles;
            let sums = SUMS / (images * down * across).max(1) as f64;
            tiling.products(sums) < tiling.direct_products()
        })
    }

    /// The tiling of the convolution if it is 3×3 with stride 1, neither dilated nor grouped.
    pub(crate) fn possible(plane: &Plane) -> Option<Tiling> {
        let fits = plane.taps == [3, 3]
            && plane.strides == [1, 1]
            && plane.dilation == [1, 1]
            && plane.groups == 1;
        let (channels, filters) = (plane.channels, plane.filters);
        // Small matrices are multiplied many tiles at a time, or reading the transformed kernel would take longer.
        let balanced = channels * filters / (2 * (channels + filters)).max(1);
        fits.then_some(Tiling {
            plane: *plane,
            tiles: plane.output.map(|outputs| outputs.div_ceil(OUTPUTS)),
            block: balanced.clamp(12, 64),
        })
    }

    /// What this way costs an image, counted in products a vector wide; `more` is what each transformed weight costs a
    /// tile beside its one product. Constants and form follow the times of both ways in README.md.
    fn products(&self, more: f64) -> f64 {
        let (channels, filters) = (self.plane.channels, self.plane.filters);
        // Tiles that reach beyond the image are computed whole.
        let tiles = self.tiles[0] * self.tiles[1];
        let transforms = channels.next_multiple_of(LANES) + filters.next_multiple_of(LANES);
        (tiles * POSITIONS) as f64
            * (self.weight_products() * (1.0 + more) + TRANSFORM * transforms as f64)
    }

    /// What the register tile over the image costs, in the same count.
    fn direct_products(&self) -> f64 {
        (self.plane.output[0] * self.plane.output[1] * 9) as f64 * self.weight_products()
    }

    /// Products of one pixel: a register tile with one vector of filters takes as long as with two, since it waits for its
    /// inputs.
    fn weight_products(&self) -> f64 {
        (self.plane.channels * self.plane.filters.next_multiple_of(2 * LANES)) as f64
    }

    /// Values of the transformed kernel.
    pub(crate) fn weights(&self) -> usize {
        POSITIONS * step(self.plane.channels, self.plane.filters)
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

/// Values of a vector that costs are counted by: the choice is the same on every instruction set.
const LANES: usize = 16;

/// What the transforms of a value cost, counted in products.
const TRANSFORM: f64 = 18.0;

/// What it costs a task to have sums of its own for the transformed kernel's gradient (to clear them, take them back and add
/// them to the others'), counted in products.
const SUMS: f64 = 16.0;

/// Rows of `SIDE` values that are `step` apart.
#[inline(always)]
fn square<const SIDE: usize>(step: usize) -> Steps {
    Steps {
        row: SIDE * step,
        column: step,
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

/// From one position of a block of transformed tiles, or of a transformed kernel (`count` channels), to the next.
#[inline(always)]
fn step(count: usize, channels: usize) -> usize {
    count * channels + GAP
}
