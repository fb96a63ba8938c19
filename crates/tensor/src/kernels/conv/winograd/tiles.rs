//! The transforms of an image's tiles into a block.

use super::memory::{square, step, with_square};
use crate::kernels::conv::plane::Plane;
use crate::simd::winograd::{INPUTS, Input, OUTPUTS, Steps, Transform, apply};
use crate::simd::{Simd, WithSimd, dispatch, prefetch};

/// Transforms the tiles of a padded image.
pub(super) fn transform_inputs(plane: &Plane, image: &[f32], part: Part, transformed: &mut [f32]) {
    with_square(INPUTS, plane.channels, |edge| {
        dispatch(TransformTiles {
            transform: Input,
            image,
            size: [plane.output[0] + 2, plane.width],
            channels: plane.channels,
            part,
            edge,
            transformed,
        });
    });
}

/// Transforms the tiles of an image that has `SIDE × SIDE` values a tile, tiles `OUTPUTS` apart.
pub(super) struct TransformTiles<'a, T, const SIDE: usize> {
    pub(super) transform: T,
    pub(super) image: &'a [f32],
    /// Height and width of the image; what a tile has beyond them is zero.
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
    pub(super) part: Part,
    /// A tile's values, for tiles that reach beyond the image.
    pub(super) edge: &'a mut [f32],
    pub(super) transformed: &'a mut [f32],
}

/// Which tiles of an image, and where they lie in their block.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The first tile row of the image.
    pub(super) row: usize,
    /// Tiles in a row.
    pub(super) across: usize,
    /// Tiles of the image.
    pub(super) tiles: usize,
    /// The first one's place in the block.
    pub(super) first: usize,
    /// Tiles of the block.
    pub(super) count: usize,
}

impl<T: Transform<SIDE, INPUTS> + Copy, const SIDE: usize> WithSimd
    for TransformTiles<'_, T, SIDE>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let TransformTiles {
            transform,
            image,
            size: [height, width],
            channels,
            part,
            edge,
            transformed,
        } = self;
        let to_step = square::<INPUTS>(step(part.count, channels));
        let inside = Steps {
            row: width * channels,
            column: channels,
        };
        for tile in 0..part.tiles {
            let y = (part.row + tile / part.across) * OUTPUTS;
            let x = tile % part.across * OUTPUTS;
            let (rows, columns) = (SIDE.min(height - y), SIDE.min(width - x));
            let from = &image[(y * width + x) * channels..];
            let to = (&mut transformed[(part.first + tile) * channels..], to_step);
            // What the next block reads below this tile: it comes while this one is multiplied. (Behind the image's end
            // the next image begins, where images are not padded.)
            let below = part.tiles.div_ceil(part.across) * OUTPUTS + SIDE - OUTPUTS;
            for row in below..below + OUTPUTS {
                prefetch(from, row * width * channels, OUTPUTS * channels);
            }
            if rows == SIDE && columns == SIDE {
                apply(simd, transform, channels, (from, inside), to);
                continue;
            }
            edge.fill(0.0);
            for row in 0..rows {
                edge[row * SIDE * channels..][..columns * channels]
                    .copy_from_slice(&from[row * inside.row..][..columns * channels]);
            }
            let from = (&*edge, square::<SIDE>(channels));
            apply(simd, transform, channels, from, to);
        }
    }
}
