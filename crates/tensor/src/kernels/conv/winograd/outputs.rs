//! The way back: products transformed to outputs, with all that follows them.

use super::memory::{square, step, with_square};
use super::target::Target;
use crate::kernels::arguments::After;
use crate::kernels::conv::maxima::MaximaAndWinners;
use crate::kernels::conv::plane::Plane;
use crate::kernels::elementwise::{DropInPlace, behind_bias};
use crate::simd::winograd::{
    Finish, INPUTS, OUTPUTS, Output, Steps, apply_windows, maxima_and_winners,
};
use crate::simd::{Simd, WithSimd, dispatch};

/// Transforms the products of a block back.
pub(super) struct OutputTiles<'a> {
    pub(super) plane: &'a Plane,
    pub(super) first_row: usize,
    pub(super) across: usize,
    pub(super) count: usize,
    /// Tiles of one image.
    pub(super) tiles: usize,
    pub(super) transformed: &'a [f32],
    pub(super) after: After<'a, f32>,
}

impl OutputTiles<'_> {
    /// Every image of the block; `image` values of the target each.
    pub(super) fn all(&self, first_image: usize, image: usize, target: Target<'_>) {
        let row = self.plane.output[1] * self.plane.filters;
        let position =
            |i: usize| ((first_image + i) * self.plane.output[0] + self.first_row * OUTPUTS) * row;
        match target {
            Target::Plain(y) => {
                for (i, y) in y.chunks_exact_mut(image).enumerate() {
                    self.plain::<1>(i, y);
                    behind_bias(y, &self.after, position(i));
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
            bias: self.after.bias,
            relu: self.after.relu_behind_bias(),
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
        maxima_and_winners(
            simd,
            self.plane.filters,
            self.products(tile),
            self.after.bias,
            to,
        );
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

impl<const WINDOW: usize> WithSimd for Plain<'_, WINDOW> {
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

impl WithSimd for Pooled<'_> {
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
            if is_whole && self.from.after.epilogue.dropout.is_none() {
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
            if let Some(dropout) = self.from.after.epilogue.dropout {
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
