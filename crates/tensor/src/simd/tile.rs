//! The register tile under every convolution and matrix product.
//!
//! ```text
//!                       columns: one or two vectors
//!                     ┌───────────────┬───────────────┐
//!   b row (outer, k)  │   b[0..L]     │   b[L..2L]    │   loaded once, used by every row
//!                     └───────────────┴───────────────┘
//!      ┌────────────┐ ┌───────────────┬───────────────┐
//!      │ a[row 0]   │ │  sum[0][0]    │  sum[0][1]    │
//!      │ a[row 1]   │×│  sum[1][0]    │  sum[1][1]    │   up to 14 × 2 sums stay in registers (AVX-512;
//!      │   …        │ │     …         │     …         │   6 × 2 on AVX2, 12 × 2 on NEON, 3 × 2 portable)
//!      └────────────┘ └───────────────┴───────────────┘
//!       broadcast       sum += a · b
//! ```
//!
//! Rows are output pixels (forward), kernel taps (kernel gradient) or matrix rows. The products of one output run over
//! `outer` × `inner` steps, so that the rows of a convolution window, which are contiguous runs in NHWC, are walked in
//! place: nothing is copied into columns first.
//!
//! A second tile, [`Tile::run_lanes`], loads `a` by vectors, too, and multiplies lane by lane: for channels that see
//! only themselves, or only the few of their group.
//!
//! ```text
//!   b row (outer, k)  │   b[0..L]     │   b[L..2L]    │   taps of a kernel, or an output's gradient
//!                     └───────────────┴───────────────┘
//!                     ┌───────────────┬───────────────┐
//!      a[row 0][0..2L]│  sum[0][0]    │  sum[0][1]    │   sum += a · b, lane by lane; up to 8 × 2 sums, which is
//!      a[row 1][0..2L]│  sum[1][0]    │  sum[1][1]    │   enough, for it is the loads that it waits for
//!           …         │     …         │     …         │
//!                     └───────────────┴───────────────┘
//! ```

pub(crate) use super::operands::{Start, Tile, Walk};

use super::block::BlockMut;
use super::{Simd, load_vector, store_vector};

/// Rows of the tile that multiplies lane by lane, at most.
#[inline(always)]
pub(crate) const fn lane_rows<S: Simd>() -> usize {
    if S::ROWS < LANE_ROWS {
        S::ROWS
    } else {
        LANE_ROWS
    }
}

const LANE_ROWS: usize = 8;

impl Tile<'_> {
    /// As [`Simd::tile`] for an output of any size: tile by tile, each column of tiles from top to bottom.
    #[inline(always)]
    pub(crate) fn cover<S: Simd>(&self, simd: S, mut c: BlockMut<'_>) {
        let (height, width) = (c.rows(), c.columns());
        for (column, columns) in filled(width, 2 * S::LANES) {
            let start = self.start.from(column);
            for (row, rows) in evenly(height, S::ROWS) {
                let tile = Tile {
                    a: &self.a[row * self.a_step..],
                    b: &self.b[column..],
                    start,
                    ..*self
                };
                simd.tile(&tile, c.part(row, rows, column, columns));
            }
        }
    }

    /// `c[row, column] = start + Σ a[row · a_step + walk] · b[walk + column]`, at most `S::ROWS` rows and two vectors of
    /// columns.
    ///
    /// # Panics
    /// When a slice does not reach as far as the walk.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(&self, simd: S, c: BlockMut<'_>) {
        let (rows, columns) = (c.rows(), c.columns());
        if rows == 0 || columns == 0 {
            return;
        }
        assert!(rows <= S::ROWS, "a tile of {rows} × {columns}");
        self.check::<S>(rows, columns, 1);
        macro_rules! by_rows {
            ($($r:literal)*) => {
                match rows {
                    // SAFETY: invariants 2 (asserted above) and 4 (`c` is exclusive).
                    $($r => unsafe { self.by_columns::<S, $r, false>(simd, c) },)*
                    _ => unreachable!("asserted above"),
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// `c[row, column] = start + Σ a[row · a_step + walk + column] · b[walk + column]`, at most [`lane_rows`] rows and two
    /// vectors of columns.
    ///
    /// # Panics
    /// When a slice does not reach as far as the walk.
    #[inline(always)]
    pub(crate) fn run_lanes<S: Simd>(&self, simd: S, c: BlockMut<'_>) {
        let (rows, columns) = (c.rows(), c.columns());
        if rows == 0 || columns == 0 {
            return;
        }
        assert!(rows <= lane_rows::<S>(), "a tile of {rows} × {columns}");
        self.check::<S>(rows, columns, columns);
        macro_rules! by_rows {
            ($($r:literal)*) => {
                match rows {
                    // SAFETY: invariants 2 (asserted above) and 4 (`c` is exclusive).
                    $($r => unsafe { self.by_columns::<S, $r, true>(simd, c) },)*
                    _ => unreachable!("asserted above"),
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8);
    }

    /// Asserts that every slice reaches far enough for a tile that takes `width` values of `a` at a time.
    #[inline(always)]
    fn check<S: Simd>(&self, rows: usize, columns: usize, width: usize) {
        assert!(columns <= 2 * S::LANES, "a tile of {rows} × {columns}");
        assert!(
            self.walk.outer > 0 && self.walk.inner > 0,
            "a tile without products"
        );
        assert!(
            self.walk.reach(0) + (rows - 1) * self.a_step + width <= self.a.len(),
            "tile: a"
        );
        assert!(self.walk.reach(1) + columns <= self.b.len(), "tile: b");
        if let Start::Row(row) = self.start {
            assert!(columns <= row.len(), "tile: start");
        }
    }

    /// # Safety
    /// As [`Self::sums`].
    #[inline(always)]
    unsafe fn by_columns<S: Simd, const ROWS: usize, const BY_LANE: bool>(
        &self,
        simd: S,
        c: BlockMut<'_>,
    ) {
        if ROWS > S::ROWS {
            return; // never asked for: the callers have asserted the bound, and so no code is made for it
        }
        let columns = c.columns();
        // SAFETY: as this function.
        unsafe {
            if columns == 2 * S::LANES {
                self.sums::<S, ROWS, 2, false, BY_LANE>(simd, c);
            } else if columns > S::LANES {
                self.sums::<S, ROWS, 2, true, BY_LANE>(simd, c);
            } else if columns == S::LANES {
                self.sums::<S, ROWS, 1, false, BY_LANE>(simd, c);
            } else {
                self.sums::<S, ROWS, 1, true, BY_LANE>(simd, c);
            }
        }
    }

    /// The tile itself. With `TAIL`, the last vector of a row is masked to the columns there are; with `BY_LANE`, `a` is
    /// loaded by vectors.
    ///
    /// # Safety
    /// Every position that the walk reaches must lie inside its slice (invariant 2).
    #[inline(always)]
    unsafe fn sums<
        S: Simd,
        const ROWS: usize,
        const VECTORS: usize,
        const TAIL: bool,
        const BY_LANE: bool,
    >(
        &self,
        simd: S,
        c: BlockMut<'_>,
    ) {
        let mask = simd.mask(c.columns() - (VECTORS - 1) * S::LANES);
        let (to, step) = (c.pointer(), c.step());
        let mut sum = [[simd.splat(0.0); VECTORS]; ROWS];
        // SAFETY: as this function.
        unsafe {
            for (r, sum) in sum.iter_mut().enumerate() {
                for (v, sum) in sum.iter_mut().enumerate() {
                    match self.start {
                        Start::Zero => {}
                        Start::Output => {
                            *sum = load_vector(
                                simd,
                                to.add(r * step),
                                v,
                                TAIL && v == VECTORS - 1,
                                mask,
                            )
                        }
                        Start::Row(row) => {
                            *sum =
                                load_vector(simd, row.as_ptr(), v, TAIL && v == VECTORS - 1, mask)
                        }
                    }
                }
            }
            let walk = &self.walk;
            let (mut a, mut b) = (self.a.as_ptr(), self.b.as_ptr());
            for _ in 0..walk.outer {
                let (mut a_inner, mut b_inner) = (a, b);
                for _ in 0..walk.inner {
                    let mut row = [simd.splat(0.0); VECTORS];
                    for (v, row) in row.iter_mut().enumerate() {
                        *row = load_vector(simd, b_inner, v, TAIL && v == VECTORS - 1, mask);
                    }
                    for (r, sum) in sum.iter_mut().enumerate() {
                        let a = a_inner.add(r * self.a_step);
                        if BY_LANE {
                            for (v, (sum, row)) in sum.iter_mut().zip(row).enumerate() {
                                let value = load_vector(simd, a, v, TAIL && v == VECTORS - 1, mask);
                                *sum = simd.mul_add(value, row, *sum);
                            }
                        } else {
                            let value = simd.splat(*a);
                            for (sum, row) in sum.iter_mut().zip(row) {
                                *sum = simd.mul_add(value, row, *sum);
                            }
                        }
                    }
                    a_inner = a_inner.wrapping_add(walk.inner_step[0]);
                    b_inner = b_inner.wrapping_add(walk.inner_step[1]);
                }
                a = a.wrapping_add(walk.outer_step[0]);
                b = b.wrapping_add(walk.outer_step[1]);
            }
            let zero = simd.splat(0.0);
            for (r, sum) in sum.iter().enumerate() {
                for (v, &sum) in sum.iter().enumerate() {
                    let sum = if self.relu { simd.max(zero, sum) } else { sum };
                    store_vector(
                        simd,
                        to.add(r * step),
                        v,
                        TAIL && v == VECTORS - 1,
                        mask,
                        sum,
                    );
                }
            }
        }
    }
}

/// Cuts `count` into pieces of at most `most`, as even as possible: (start, length) of each.
#[inline(always)]
pub(crate) fn evenly(count: usize, most: usize) -> Evenly {
    Evenly {
        start: 0,
        count,
        pieces: count.div_ceil(most),
    }
}

/// Cuts `count` into pieces of `most`, and what is left: (start, length) of each. Columns are cut so: a piece with one vector
/// less takes as much less time, and all but the last need no mask.
#[inline(always)]
pub(crate) fn filled(count: usize, most: usize) -> Filled {
    Filled {
        start: 0,
        count,
        most,
    }
}

/// See [`filled`].
pub(crate) struct Filled {
    start: usize,
    count: usize,
    most: usize,
}

impl Iterator for Filled {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        let (start, length) = (self.start, (self.count - self.start).min(self.most));
        self.start += length;
        (length > 0).then_some((start, length))
    }
}

/// See [`evenly`]. An iterator, not a closure: a closure would be compiled outside the shell of the instruction set.
pub(crate) struct Evenly {
    start: usize,
    count: usize,
    pieces: usize,
}

impl Iterator for Evenly {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        if self.pieces == 0 {
            return None;
        }
        let (start, length) = (self.start, (self.count - self.start).div_ceil(self.pieces));
        self.start += length;
        self.pieces -= 1;
        Some((start, length))
    }
}
