//! The fixed trees under every reduction, over a slice and over the columns of a matrix. Blocks of fixed size are folded
//! in a fixed number of lanes (or rows), and the blocks' results are combined as a balanced tree. Where the tree is cut
//! depends on lengths only, so a sum has the same bits for any number of threads, and its error grows with the logarithm
//! of the length.

use crate::Element;
use crate::kernels::cut::join_if;
use crate::walk::CHUNK;

/// Elements in a block that is summed at once.
const BLOCK: usize = 1024;
/// Independent partial results within a block: one or two SIMD registers.
const LANES: usize = 16;
/// Rows that are added one after the other, before the tree begins.
const ROWS: usize = 64;

/// Combines all of `values`: blocks in lanes, then a tree over the blocks.
pub(super) fn fold<E: Element>(
    values: &[E],
    identity: E,
    combine: impl Fn(E, E) -> E + Sync + Copy,
) -> E {
    if values.len() <= BLOCK {
        return fold_block(values, identity, combine);
    }
    // The cut leaves whole blocks on the left: a balanced tree that depends on the length only.
    let blocks = values.len().div_ceil(BLOCK);
    let (left, right) = values.split_at(blocks.div_ceil(2) * BLOCK);
    let (left, right) = join_if(
        values.len() > CHUNK,
        || fold(left, identity, combine),
        || fold(right, identity, combine),
    );
    combine(left, right)
}

/// Some columns, from `column` on, of a matrix with rows of `width`.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, E> {
    pub(super) values: &'a [E],
    pub(super) width: usize,
    pub(super) column: usize,
    pub(super) identity: E,
}

impl<E: Element> Columns<'_, E> {
    /// Combines `rows` of as many columns as `out` is long: runs of ROWS one after the other, then a tree.
    pub(super) fn fold(
        self,
        rows: std::ops::Range<usize>,
        out: &mut [E],
        combine: impl Fn(E, E) -> E + Sync + Copy,
    ) {
        if rows.len() <= ROWS {
            out.fill(self.identity);
            for row in rows {
                let values = &self.values[row * self.width + self.column..][..out.len()];
                out.iter_mut()
                    .zip(values)
                    .for_each(|(to, &x)| *to = combine(*to, x));
            }
            return;
        }
        let middle = rows.start + rows.len().div_ceil(ROWS).div_ceil(2) * ROWS;
        let mut right = vec![self.identity; out.len()];
        join_if(
            rows.len() * out.len() > CHUNK,
            || self.fold(rows.start..middle, out, combine),
            || self.fold(middle..rows.end, &mut right, combine),
        );
        out.iter_mut()
            .zip(&right)
            .for_each(|(to, &x)| *to = combine(*to, x));
    }
}

fn fold_block<E: Element>(values: &[E], identity: E, combine: impl Fn(E, E) -> E) -> E {
    if values.len() < 2 * LANES {
        return values.iter().fold(identity, |sum, &x| combine(sum, x));
    }
    let mut lanes = [identity; LANES];
    let (groups, rest) = values.as_chunks::<LANES>();
    for group in groups {
        for (lane, &x) in lanes.iter_mut().zip(group) {
            *lane = combine(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = combine(*lane, x);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = combine(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}
