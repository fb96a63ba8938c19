//! How an image is cut into tiles, and when this way pays.

use super::memory::step;
use crate::kernels::conv::plane::Plane;
use crate::simd::winograd::{OUTPUTS, POSITIONS};

/// How an image's output is cut into tiles of 4×4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling {
    pub(super) plane: Plane,
    /// Tiles down and across.
    pub(super) tiles: [usize; 2],
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
    pub(super) fn images(&self) -> usize {
        (self.block / (self.tiles[0] * self.tiles[1]).max(1)).max(1)
    }

    /// Tile rows of a block, where an image has several blocks.
    pub(super) fn rows(&self) -> usize {
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
