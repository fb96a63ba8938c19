//! The two gradients of a pooled convolution, which touch only the positions that won (a quarter of them, by
//! construction).
//!
//! Kernel gradient, one output channel after another, over a list of its windows that live (a list, because an address that
//! is loaded and looked up only just before its use kept the multiplications waiting):
//!
//! ```text
//!   for every survivor: place of its patch ─┐
//!                                           ▼            runs: rows of the kernel
//!   gradient (one value) × input  ┌── x[offset + row 0] ──┬───┬───┐   sum[0][0..VECTORS]
//!                                 ├── x[offset + row 1] ──┼───┼───┤ → sum[1][0..VECTORS]   3 × 6 registers for
//!                                 └── x[offset + row 2] ──┴───┴───┘   sum[2][0..VECTORS]   3 × 3 × 32 on AVX-512
//! ```
//!
//! Input gradient, one window and one vector of input channels at a time:
//!
//! ```text
//!   2×2 window, kernel 3×3 → 4×4 inputs are touched: 16 sums in registers
//!   winner at (0,0): sum[0..3][0..3] += g · kernel      winner at (0,1): sum[0..3][1..4] += g · kernel
//!   winner at (1,0): sum[1..4][0..3] += g · kernel      winner at (1,1): sum[1..4][1..4] += g · kernel
//! ```

pub(crate) use super::operands::{DEAD, Lists, SIDE, Square};

use super::{Simd, load_vector, store_vector};

/// Every output channel's share of the kernel and bias gradients over a band of windows.
#[derive(Clone, Copy)]
pub(crate) struct Gather<'a> {
    /// The image, from the band's first input on.
    pub(crate) x: &'a [f32],
    /// Gradients, and which of the four won, from the band's first window on: `filters` values a window.
    pub(crate) dy: &'a [f32],
    pub(crate) winners: &'a [u8],
    pub(crate) filters: usize,
    /// Windows down and across.
    pub(crate) windows: [usize; 2],
    /// From one window to the next in `x`, down and across.
    pub(crate) x_step: [usize; 2],
    /// What the winner adds to the position in `x`.
    pub(crate) offsets: [usize; 4],
    /// From one run to the next in `x`.
    pub(crate) run_step: usize,
}

/// Filters whose survivors are listed together: with twice as many, the lists and the input no longer fit the L1 cache
/// together.
const GROUP: usize = 32;

/// Values of working memory that [`Gather::run`] needs for `windows` windows.
pub(crate) const fn survivors(windows: usize) -> usize {
    2 * GROUP * (windows + SIDE)
}

/// Where a pass over the survivors adds to.
struct Sums<'a> {
    /// Rows of `VECTORS` vectors, `length` apart.
    rows: &'a mut [f32],
    length: usize,
    /// From one filter to the next in `rows`.
    filter_step: usize,
    /// Values in use of a row.
    width: usize,
}

impl Gather<'_> {
    /// `dk[filter][run][i] += Σ gradient · x[offset + run · run_step + i]` over the windows that live, for `i < length`,
    /// and `db[filter] += Σ gradient`. `dk` holds `runs` rows of `length` values a filter; `list` is working memory of
    /// [`survivors`] values.
    ///
    /// # Panics
    /// When a slice does not reach as far as the windows.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(
        &self,
        simd: S,
        [runs, length]: [usize; 2],
        dk: &mut [f32],
        db: &mut [f32],
        list: &mut [f32],
    ) {
        let [down, across] = self.windows;
        if down == 0 || across == 0 || runs == 0 || length == 0 {
            return;
        }
        let [first, second, third, farthest] = self.offsets;
        assert!(
            first <= farthest && second <= farthest && third <= farthest,
            "gather: the last offset is the farthest"
        );
        let window = (down - 1) * self.x_step[0] + (across - 1) * self.x_step[1];
        assert!(
            window + farthest + (runs - 1) * self.run_step + length <= self.x.len()
                && i32::try_from(window + farthest).is_ok(),
            "gather: x"
        );
        let windows = down * across;
        if self.filters == 0 {
            return;
        }
        assert!(
            windows * self.filters <= self.dy.len() && windows * self.filters <= self.winners.len(),
            "gather: windows"
        );
        assert!(
            self.filters * runs * length <= dk.len() && self.filters <= db.len(),
            "gather: sums"
        );
        for (dy, winners) in self.dy[..windows * self.filters]
            .chunks_exact(self.filters)
            .zip(self.winners.chunks_exact(self.filters))
        {
            for ((db, dy), winner) in db.iter_mut().zip(dy).zip(winners) {
                *db += if *winner < DEAD { *dy } else { 0.0 };
            }
        }
        let list = list.as_chunks_mut::<2>().0;
        for first in (0..self.filters).step_by(GROUP) {
            let filters = GROUP.min(self.filters - first);
            let mut ends = [0; GROUP];
            let mut lists = Lists {
                survivors: &mut *list,
                step: windows + SIDE,
                ends: &mut ends[..filters],
            };
            self.list(simd, first, &mut lists);
            let dk = &mut dk[first * runs * length..][..filters * runs * length];
            // SAFETY: invariants 2 (asserted above; every place is a window's, every offset at most the last) and 4 (`dk` is
            // exclusive).
            unsafe { self.add(simd, [runs, length], &lists, dk) };
        }
    }

    /// Lists the survivors of the filters from `first` on.
    #[inline(always)]
    fn list<S: Simd>(&self, simd: S, first: usize, lists: &mut Lists<'_>) {
        let [down, across] = self.windows;
        let (windows, filters) = (down * across, lists.ends.len());
        let mut offsets = [0; 8];
        for (offset, &of_winner) in offsets.iter_mut().zip(&self.offsets) {
            *offset = of_winner as u32;
        }
        for window in (0..windows).step_by(SIDE) {
            let mut places = [0; SIDE];
            let count = SIDE.min(windows - window);
            for (i, place) in places[..count].iter_mut().enumerate() {
                let (y, x) = ((window + i) / across, (window + i) % across);
                *place = (y * self.x_step[0] + x * self.x_step[1]) as u32;
            }
            for filter in (0..filters).step_by(SIDE) {
                let at = window * self.filters + first + filter;
                let square = Square {
                    dy: &self.dy[at..],
                    winners: &self.winners[at..],
                    step: self.filters,
                    places,
                    offsets,
                };
                let step = lists.step;
                let mut lists = Lists {
                    survivors: &mut lists.survivors[filter * step..],
                    step,
                    ends: &mut lists.ends[filter..],
                };
                match (count, SIDE.min(filters - filter)) {
                    (SIDE, SIDE) => simd.list(&square, &mut lists),
                    (windows, filters) => square.list(windows, filters, &mut lists),
                }
            }
        }
    }

    /// Adds the listed survivors' patches: as many runs and vectors at once as the registers hold.
    ///
    /// # Safety
    /// Every listed position must lie in `x` together with its patch; `dk` must hold a kernel for each list.
    #[inline(always)]
    unsafe fn add<S: Simd>(
        &self,
        simd: S,
        [runs, length]: [usize; 2],
        lists: &Lists<'_>,
        dk: &mut [f32],
    ) {
        let budget = 2 * S::ROWS;
        let vectors = length.div_ceil(S::LANES);
        let together = if runs * vectors <= budget && matches!(runs, 3 | 5) && vectors <= 9 {
            runs
        } else {
            1
        };
        let most = if together == 1 {
            budget.min(12)
        } else {
            vectors
        };
        for run in (0..runs).step_by(together) {
            for (first, count) in super::tile::evenly(vectors, most) {
                let start = first * S::LANES;
                let part = Gather {
                    x: &self.x[run * self.run_step + start..],
                    ..*self
                };
                let sums = Sums {
                    rows: &mut dk[run * length + start..],
                    length,
                    filter_step: runs * length,
                    width: (count * S::LANES).min(length - start),
                };
                macro_rules! pass {
                    ($($runs:literal: $($vectors:literal)*;)*) => {
                        match (together, count) {
                            // SAFETY: as this function.
                            $($(($runs, $vectors) => unsafe {
                                if $runs * $vectors <= 2 * S::ROWS {
                                    part.pass::<S, $runs, $vectors>(simd, lists, sums);
                                }
                            },)*)*
                            _ => unreachable!("limited above"),
                        }
                    };
                }
                pass! { 1: 1 2 3 4 5 6 7 8 9 10 11 12; 3: 1 2 3 4 5 6 7 8 9; 5: 1 2 3 4 5; }
            }
        }
    }

    /// # Safety
    /// As [`Self::add`].
    #[inline(always)]
    unsafe fn pass<S: Simd, const RUNS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        lists: &Lists<'_>,
        sums: Sums<'_>,
    ) {
        if sums.width == VECTORS * S::LANES {
            // SAFETY: as this function.
            unsafe { self.masked_pass::<S, RUNS, VECTORS, false>(simd, lists, sums) }
        } else {
            // SAFETY: as this function.
            unsafe { self.masked_pass::<S, RUNS, VECTORS, true>(simd, lists, sums) }
        }
    }

    /// # Safety
    /// As [`Self::add`].
    #[inline(always)]
    unsafe fn masked_pass<S: Simd, const RUNS: usize, const VECTORS: usize, const TAIL: bool>(
        &self,
        simd: S,
        lists: &Lists<'_>,
        sums: Sums<'_>,
    ) {
        let mask = simd.mask(sums.width - (VECTORS - 1) * S::LANES);
        for (filter, &end) in lists.ends.iter().enumerate() {
            let mut sum = [[simd.splat(0.0); VECTORS]; RUNS];
            // SAFETY: as this function.
            unsafe {
                let to = sums.rows.as_mut_ptr().add(filter * sums.filter_step);
                for (r, sum) in sum.iter_mut().enumerate() {
                    let from = to.add(r * sums.length);
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = load_vector(simd, from, v, TAIL && v == VECTORS - 1, mask);
                    }
                }
                let first = filter * lists.step;
                for [position, gradient] in lists.survivors.get_unchecked(first..first + end) {
                    let gradient = simd.splat(*gradient);
                    let from = self.x.as_ptr().add(position.to_bits() as usize);
                    for (r, sum) in sum.iter_mut().enumerate() {
                        let from = from.add(r * self.run_step);
                        for (v, sum) in sum.iter_mut().enumerate() {
                            let tail = TAIL && v == VECTORS - 1;
                            let patch = load_vector(simd, from, v, tail, mask);
                            *sum = simd.mul_add(gradient, patch, *sum);
                        }
                    }
                }
                for (r, sum) in sum.iter().enumerate() {
                    let to = to.add(r * sums.length);
                    for (v, &sum) in sum.iter().enumerate() {
                        store_vector(simd, to, v, TAIL && v == VECTORS - 1, mask, sum);
                    }
                }
            }
        }
    }
}

/// One window's share of the input gradient, for one vector of input channels.
pub(crate) struct Scatter<'a> {
    /// Gradients and winners of the window, one an output channel.
    pub(crate) dy: &'a [f32],
    pub(crate) winners: &'a [u8],
    /// `[output channel][tap row][tap column][LANES]`.
    pub(crate) kernel: &'a [f32],
    /// Rows and columns of the kernel.
    pub(crate) taps: [usize; 2],
    /// The input's gradient, from the window's first input on.
    pub(crate) dx: &'a mut [f32],
    /// From one row, and from one pixel, to the next in `dx`.
    pub(crate) dx_step: [usize; 2],
    /// Channels in use, at most `LANES`.
    pub(crate) channels: usize,
}

impl Scatter<'_> {
    /// Widest kernel that the registers hold, together with the column that the window adds.
    pub(crate) const MOST_COLUMNS: usize = 5;

    /// Adds the gradient of the window's input.
    ///
    /// # Panics
    /// When a slice is too short, or the kernel is wider than [`Self::MOST_COLUMNS`].
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, simd: S) {
        let [rows, columns] = self.taps;
        let filters = self.dy.len();
        assert!(self.winners.len() == filters, "scatter: winners");
        assert!(
            filters * rows * columns * S::LANES <= self.kernel.len(),
            "scatter: kernel"
        );
        let reach = rows * self.dx_step[0] + columns * self.dx_step[1] + self.channels;
        assert!(
            reach <= self.dx.len() && self.channels <= S::LANES,
            "scatter: dx"
        );
        for first in (0..filters).step_by(64) {
            let last = filters.min(first + 64);
            let masks = simd.positions_of(&self.winners[first..last]);
            // SAFETY: invariants 2 (asserted above) and 4 (`dx` is exclusive).
            unsafe {
                let pass = Pass {
                    dy: self.dy.as_ptr().add(first),
                    kernel: self.kernel.as_ptr().add(first * rows * columns * S::LANES),
                    filter_step: rows * columns * S::LANES,
                    dx: self.dx.as_mut_ptr(),
                    dx_step: self.dx_step,
                    channels: self.channels,
                };
                if S::ROWS >= 12 && rows == 3 && columns == 3 {
                    pass.run::<S, 3, 4, 3, 4>(simd, 0, masks);
                    continue;
                }
                for row in 0..rows {
                    match columns {
                        1 => pass.run::<S, 1, 2, 1, 2>(simd, row, masks),
                        2 => pass.run::<S, 1, 2, 2, 3>(simd, row, masks),
                        3 => pass.run::<S, 1, 2, 3, 4>(simd, row, masks),
                        4 => pass.run::<S, 1, 2, 4, 5>(simd, row, masks),
                        5 => pass.run::<S, 1, 2, 5, 6>(simd, row, masks),
                        _ => panic!("scatter: a kernel of {columns} columns"),
                    }
                }
            }
        }
    }
}

/// The kernel rows that one pass adds.
struct Pass {
    dy: *const f32,
    kernel: *const f32,
    filter_step: usize,
    dx: *mut f32,
    dx_step: [usize; 2],
    channels: usize,
}

impl Pass {
    /// `R` rows of the kernel from `row` on, `C` columns; `R1 = R + 1` and `C1 = C + 1` inputs are touched.
    ///
    /// # Safety
    /// The pointers must reach as far as [`Scatter::run`] asserts.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize, const R1: usize, const C: usize, const C1: usize>(
        &self,
        simd: S,
        row: usize,
        masks: [u64; 4],
    ) {
        let mut sum = [[simd.splat(0.0); C1]; R1];
        // SAFETY: as this function; a mask has bits for the channels there are.
        unsafe {
            let kernel = self.kernel.add(row * C * S::LANES);
            macro_rules! winner {
                ($y:literal, $x:literal) => {
                    let mut channels = masks[2 * $y + $x];
                    while channels != 0 {
                        let channel = channels.trailing_zeros() as usize;
                        channels &= channels - 1;
                        let gradient = simd.splat(*self.dy.add(channel));
                        let kernel = kernel.add(channel * self.filter_step);
                        for r in 0..R {
                            for c in 0..C {
                                let tap = simd.load_ptr(kernel.add((r * C + c) * S::LANES));
                                sum[r + $y][c + $x] =
                                    simd.mul_add(gradient, tap, sum[r + $y][c + $x]);
                            }
                        }
                    }
                };
            }
            winner!(0, 0);
            winner!(0, 1);
            winner!(1, 0);
            winner!(1, 1);
            let mask = simd.mask(self.channels);
            for (r, sum) in sum.iter().enumerate() {
                for (c, &sum) in sum.iter().enumerate() {
                    let to = self
                        .dx
                        .add((row + r) * self.dx_step[0] + c * self.dx_step[1]);
                    if self.channels == S::LANES {
                        simd.store_ptr(to, simd.add(simd.load_ptr(to), sum));
                    } else {
                        simd.store_masked(to, simd.add(simd.load_masked(to, mask), sum), mask);
                    }
                }
            }
        }
    }
}
