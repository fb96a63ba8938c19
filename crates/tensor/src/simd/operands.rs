//! What kernels are given to work on: the operands of the register tile and of the lists of survivors. The instruction
//! sets and the loops over them ([`super::tile`], [`super::sparse`]) share it.

/// Two nested strided loops over the products of one output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// Steps of the outer loop.
    pub(crate) outer: usize,
    /// Steps of the inner loop.
    pub(crate) inner: usize,
    /// What an outer step adds to the position in `a` and in `b`.
    pub(crate) outer_step: [usize; 2],
    /// What an inner step adds to the position in `a` and in `b`.
    pub(crate) inner_step: [usize; 2],
}

impl Walk {
    /// One loop of `inner` steps.
    pub(crate) fn line(inner: usize, inner_step: [usize; 2]) -> Walk {
        Walk {
            outer: 1,
            inner,
            outer_step: [0, 0],
            inner_step,
        }
    }

    /// The farthest position in `a` (0) or `b` (1).
    pub(crate) fn reach(&self, operand: usize) -> usize {
        let outer = (self.outer - 1).checked_mul(self.outer_step[operand]);
        let inner = (self.inner - 1).checked_mul(self.inner_step[operand]);
        outer
            .zip(inner)
            .and_then(|(o, i)| o.checked_add(i))
            .expect("reach overflows")
    }
}

/// What the sums start from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// Zero.
    Zero,
    /// What the output holds.
    Output,
    /// One value a column: a bias.
    Row(&'a [f32]),
}

impl Start<'_> {
    /// The same for the columns from `column` on.
    #[inline(always)]
    pub(crate) fn from(self, column: usize) -> Self {
        match self {
            Start::Row(row) => Start::Row(&row[column..]),
            other => other,
        }
    }
}

/// What is summed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile<'a> {
    /// Broadcast one by one, or loaded by vectors.
    pub(crate) a: &'a [f32],
    /// Distance in `a` from one row of the output to the next.
    pub(crate) a_step: usize,
    /// Loaded by vectors.
    pub(crate) b: &'a [f32],
    /// The products of one output.
    pub(crate) walk: Walk,
    /// What the sums start from.
    pub(crate) start: Start<'a>,
    /// Negative sums are stored as zero.
    pub(crate) relu: bool,
}

/// Windows, and filters, of a square that is listed at once.
pub(crate) const SIDE: usize = 16;

/// In a pooled convolution: no element of the window was above zero, so no gradient passes.
pub(crate) const DEAD: u8 = 4;

/// A filter's window that lives: where its winner's patch begins, and the gradient. Kept as two f32, the first one's bits
/// being the position, because working memory is f32.
pub(crate) type Survivor = [f32; 2];

/// Some windows of some filters, at most [`SIDE`] each.
pub(crate) struct Square<'a> {
    /// Gradients and winners from the first filter of the first window on; windows are `step` apart.
    pub(crate) dy: &'a [f32],
    pub(crate) winners: &'a [u8],
    pub(crate) step: usize,
    /// Where each window's patch would begin if its first position won.
    pub(crate) places: [u32; SIDE],
    /// What the winner adds to the place; what is said of a dead window does not count.
    pub(crate) offsets: [u32; 8],
}

/// A list of survivors for each filter.
pub(crate) struct Lists<'a> {
    /// The lists, `step` survivors apart. Behind each list's end there is room for [`SIDE`] more than it will hold.
    pub(crate) survivors: &'a mut [Survivor],
    pub(crate) step: usize,
    /// Survivors listed so far, one number a filter.
    pub(crate) ends: &'a mut [usize],
}

impl Square<'_> {
    /// Asserts that gradients, winners and lists reach as far as `windows` windows of `filters` filters.
    #[inline(always)]
    pub(crate) fn check(&self, windows: usize, filters: usize, lists: &Lists<'_>) {
        assert!(
            0 < windows && windows <= SIDE && 0 < filters && filters <= SIDE,
            "list: a square of {windows} windows and {filters} filters"
        );
        let reach = (windows - 1) * self.step + filters;
        assert!(
            reach <= self.dy.len() && reach <= self.winners.len(),
            "list: windows"
        );
        let room = lists.step.checked_sub(SIDE).expect("list: room");
        assert!(
            filters <= lists.ends.len()
                && lists.ends[..filters].iter().all(|&end| end <= room)
                && filters * lists.step <= lists.survivors.len(),
            "list: lists"
        );
    }

    /// Appends the survivors, one by one.
    #[inline(always)]
    pub(crate) fn list(&self, windows: usize, filters: usize, lists: &mut Lists<'_>) {
        self.check(windows, filters, lists);
        for (window, place) in self.places[..windows].iter().enumerate() {
            for filter in 0..filters {
                // SAFETY: invariant 2 (asserted by `check`): an end moves at most once a window, at most SIDE times.
                unsafe {
                    let at = window * self.step + filter;
                    let winner = *self.winners.get_unchecked(at);
                    let end = lists.ends.get_unchecked_mut(filter);
                    *lists
                        .survivors
                        .get_unchecked_mut(filter * lists.step + *end) = [
                        f32::from_bits(place.wrapping_add(self.offsets[usize::from(winner & 7)])),
                        *self.dy.get_unchecked(at),
                    ];
                    // No branch: it would be mispredicted at every fifth window.
                    *end += usize::from(winner < DEAD);
                }
            }
        }
    }
}
