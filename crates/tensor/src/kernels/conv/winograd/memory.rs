//! Working memory of the transforms, and how far apart things lie in it.

use crate::kernels::scratch;
use crate::simd::winograd::{POSITIONS, Steps};

/// Values between the positions of a transformed block or kernel, so that they do not lie a power of two apart, where the caches
/// could keep only a few of them.
const GAP: usize = 16;

/// Rows of `SIDE` values that are `step` apart.
#[inline(always)]
pub(super) fn square<const SIDE: usize>(step: usize) -> Steps {
    Steps {
        row: SIDE * step,
        column: step,
    }
}

/// Lends the transformed values of `count` tiles.
pub(super) fn with_transformed<R>(
    count: usize,
    channels: usize,
    work: impl FnOnce(&mut [f32]) -> R,
) -> R {
    scratch::with(POSITIONS * step(count, channels), work)
}

/// Lends a square of pixels: not taken inside a kernel, whose closures would not be compiled for the instruction set.
pub(super) fn with_square<R>(
    side: usize,
    channels: usize,
    work: impl FnOnce(&mut [f32]) -> R,
) -> R {
    scratch::with(side * side * channels, work)
}

/// From one position of a block of transformed tiles, or of a transformed kernel (`count` channels), to the next.
#[inline(always)]
pub(super) fn step(count: usize, channels: usize) -> usize {
    count * channels + GAP
}
