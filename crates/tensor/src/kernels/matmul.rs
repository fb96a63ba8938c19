//! f32 matrix products on the register tile.
//!
//! Three cuts, chosen by the shapes alone: by rows of the output, by its columns, or, when the output is small and the
//! inner dimension long (a dense layer's forward pass), along the inner dimension, whose partial products are added over
//! a fixed tree. A task packs its block of `a` (so that rows never lie a multiple of 4 KiB apart) and, if `b` is
//! transposed, its block of `b`.

use super::cut::{add_partials, join_if, together};
use super::transpose::Transpose;
use super::{magnitude, scratch};
use crate::matrix::MatrixRef;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, filled};
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Inner dimension of a block: a block of `a` and a panel of `b` stay in the caches.
const INNER: usize = 512;
/// Rows of a block of `a`: a multiple of the tile's rows on every instruction set.
const ROWS: usize = 84;
/// Columns of a block of `b`.
const COLUMNS: usize = 256;
/// Below this many products the work is not cut.
const SMALL: usize = 1 << 16;

/// `c = a · b`, added to `c` when `accumulate`.
pub(crate) fn matmul(
    a: MatrixRef<'_, f32>,
    b: MatrixRef<'_, f32>,
    c: &mut [f32],
    accumulate: bool,
) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            c.fill(0.0);
        }
        return;
    }
    match Cut::of(m, n, k) {
        Cut::None => block(a, b, BlockMut::new(c, m, n, n), accumulate),
        Cut::Inner => along_inner(a, b, c, accumulate),
        Cut::Rows => {
            let tasks = c.par_chunks_mut(ROWS * n).enumerate();
            tasks
                .with_min_len(together(ROWS * n * k))
                .for_each(|(i, c)| row_task(a, b, i, c, accumulate));
        }
        Cut::Columns => by_columns(a, b, BlockMut::new(c, m, n, n), accumulate),
    }
}

/// The same on the thread that calls.
pub(crate) fn here(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: &mut [f32], accumulate: bool) {
    let (m, n) = (a.rows, b.columns);
    if m > 0 && n > 0 && a.columns > 0 {
        block(a, b, BlockMut::new(c, m, n, n), accumulate);
    } else if !accumulate {
        c.fill(0.0);
    }
}

/// How a product of `m × k` by `k × n` is cut.
#[derive(PartialEq)]
enum Cut {
    None,
    Inner,
    Rows,
    Columns,
}

impl Cut {
    fn of(m: usize, n: usize, k: usize) -> Cut {
        if m * n * k <= SMALL {
            Cut::None
        } else if m * n <= 1 << 15 && k >= 4 * INNER {
            Cut::Inner
        } else if m >= n {
            Cut::Rows
        } else {
            Cut::Columns
        }
    }
}

/// `c = a · b`, and the largest magnitude in it where that costs next to nothing: where tasks write rows of their own, which
/// are looked at while they are in the caches.
pub(crate) fn matmul_measured(
    a: MatrixRef<'_, f32>,
    b: MatrixRef<'_, f32>,
    c: &mut [f32],
) -> Option<f64> {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    if Cut::of(m, n, k) != Cut::Rows {
        matmul(a, b, c, false);
        return None;
    }
    let measured = |(i, c): (usize, &mut [f32])| {
        row_task(a, b, i, c, false);
        magnitude::of_f32(c)
    };
    let tasks = c.par_chunks_mut(ROWS * n).enumerate();
    let tasks = tasks
        .with_min_len(together(ROWS * n * b.rows))
        .map(measured);
    Some(tasks.reduce(|| 0.0, magnitude::larger))
}

/// Task number `i` of those that write rows of their own.
fn row_task(
    a: MatrixRef<'_, f32>,
    b: MatrixRef<'_, f32>,
    i: usize,
    c: &mut [f32],
    accumulate: bool,
) {
    let (n, rows) = (b.columns, c.len() / b.columns);
    let c = BlockMut::new(c, rows, n, n);
    block(rows_of(a, i * ROWS, rows), b, c, accumulate);
}

fn by_columns(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: BlockMut<'_>, accumulate: bool) {
    let columns = c.columns();
    if columns <= COLUMNS {
        return block(a, b, c, accumulate);
    }
    let at = columns.div_ceil(COLUMNS) / 2 * COLUMNS;
    let (left, right) = c.split_columns(at);
    let rest = columns - at;
    let left = || by_columns(a, columns_of(b, 0, at), left, accumulate);
    let right = || by_columns(a, columns_of(b, at, rest), right, accumulate);
    join_if(together(a.rows * a.columns * rest) == 1, left, right);
}

fn along_inner(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: &mut [f32], accumulate: bool) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    scratch::with(k.div_ceil(INNER) * m * n, |partial| {
        partial
            .par_chunks_mut(m * n)
            .enumerate()
            .with_min_len(together(INNER * m * n))
            .for_each(|(i, c)| {
                let (first, inner) = (i * INNER, INNER.min(k - i * INNER));
                block(
                    columns_of(a, first, inner),
                    rows_of(b, first, inner),
                    BlockMut::new(c, m, n, n),
                    false,
                );
            });
        if accumulate {
            partial[..m * n]
                .iter_mut()
                .zip(&*c)
                .for_each(|(p, c)| *p += c);
        }
        add_partials(partial, c);
    });
}

fn rows_of<E>(x: MatrixRef<'_, E>, first: usize, rows: usize) -> MatrixRef<'_, E> {
    MatrixRef {
        values: &x.values[first * x.row_stride..],
        rows,
        ..x
    }
}

fn columns_of<E>(x: MatrixRef<'_, E>, first: usize, columns: usize) -> MatrixRef<'_, E> {
    MatrixRef {
        values: &x.values[first * x.column_stride..],
        columns,
        ..x
    }
}

/// One task: blocks of the inner dimension one after another.
pub(super) fn block(
    a: MatrixRef<'_, f32>,
    b: MatrixRef<'_, f32>,
    mut c: BlockMut<'_>,
    accumulate: bool,
) {
    let (k, columns) = (a.columns, c.columns());
    let mut first = 0;
    while first < k {
        let inner = INNER.min(k - first);
        let start = if first == 0 && !accumulate {
            Start::Zero
        } else {
            Start::Output
        };
        for row in (0..c.rows()).step_by(ROWS) {
            let rows = ROWS.min(c.rows() - row);
            let a = columns_of(rows_of(a, row, rows), first, inner);
            for column in (0..columns).step_by(COLUMNS) {
                let width = COLUMNS.min(columns - column);
                let b = columns_of(rows_of(b, first, inner), column, width);
                packed_a(a, |a, a_row, a_inner| {
                    packed_b(b, rows, |b, layout| {
                        let c = c.part(row, rows, column, width);
                        dispatch(Product {
                            a,
                            a_row,
                            a_inner,
                            b,
                            layout,
                            inner,
                            start,
                            c,
                        });
                    });
                });
            }
        }
        first += inner;
    }
}

/// Lends the block of `a` and its strides: rows copied with some distance between them when they are long.
fn packed_a<R>(a: MatrixRef<'_, f32>, work: impl FnOnce(&[f32], usize, usize) -> R) -> R {
    if a.column_stride == 1 && !a.row_stride.is_multiple_of(256) {
        return work(a.values, a.row_stride, 1);
    }
    if a.column_stride == 1 {
        let step = a.columns + 16;
        return scratch::with(a.rows * step, |packed| {
            for (i, row) in packed.chunks_exact_mut(step).enumerate() {
                row[..a.columns].copy_from_slice(&a.values[i * a.row_stride..][..a.columns]);
            }
            work(packed, step, 1)
        });
    }
    scratch::with(a.rows * a.columns, |packed| {
        for (k, column) in packed.chunks_exact_mut(a.rows).enumerate() {
            column.copy_from_slice(&a.values[k * a.column_stride..][..a.rows]);
        }
        work(packed, 1, a.rows)
    })
}

/// How the block of `b` lies.
#[derive(Clone, Copy)]
enum Layout {
    /// Rows that many values apart.
    Rows(usize),
    /// The columns of one tile after those of the other, each with its rows next to each other.
    Strips,
}

/// Rows of `b` that lie farther apart than this share few sets of the caches and each a page of their own.
const FAR: usize = 1000;
/// So many rows of the output pay for a copy of `b`.
const PAYING: usize = 24;

/// Lends the block of `b`: itself, or in strips, where rows are far apart and `rows` of the output use it; or, if its columns
/// are contiguous, transposed into place, squares of vectors at a time.
fn packed_b<R>(b: MatrixRef<'_, f32>, rows: usize, work: impl FnOnce(&[f32], Layout) -> R) -> R {
    if b.column_stride == 1 && (b.row_stride < FAR || rows < PAYING) {
        return work(b.values, Layout::Rows(b.row_stride));
    }
    if b.column_stride == 1 {
        return scratch::with(b.rows * b.columns, |packed| {
            let strips = &mut *packed;
            dispatch(Strips { b, strips });
            work(packed, Layout::Strips)
        });
    }
    scratch::with(b.rows * b.columns, |packed| {
        dispatch(Transpose {
            b,
            packed: &mut *packed,
        });
        work(packed, Layout::Rows(b.columns))
    })
}

/// Copies `b`, whose rows are contiguous, into strips of a tile's columns.
struct Strips<'a> {
    b: MatrixRef<'a, f32>,
    strips: &'a mut [f32],
}

impl WithSimd for Strips<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let b = self.b;
        for (column, columns) in filled(b.columns, 2 * S::LANES) {
            let strip = &mut self.strips[b.rows * column..][..b.rows * columns];
            for (i, to) in strip.chunks_exact_mut(columns).enumerate() {
                to.copy_from_slice(&b.values[i * b.row_stride + column..][..columns]);
            }
        }
    }
}

/// A block of the output, tile by tile.
struct Product<'a> {
    a: &'a [f32],
    a_row: usize,
    a_inner: usize,
    b: &'a [f32],
    layout: Layout,
    inner: usize,
    start: Start<'a>,
    c: BlockMut<'a>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let tile = |b, b_step| Tile {
            a: self.a,
            a_step: self.a_row,
            b,
            walk: Walk::line(self.inner, [self.a_inner, b_step]),
            start: self.start,
            relu: false,
        };
        let (rows, width) = (self.c.rows(), self.c.columns());
        match self.layout {
            Layout::Rows(step) => tile(self.b, step).cover(simd, self.c),
            Layout::Strips => {
                for (column, columns) in filled(width, 2 * S::LANES) {
                    let strip = &self.b[self.inner * column..][..self.inner * columns];
                    let c = self.c.part(0, rows, column, columns);
                    tile(strip, columns).cover(simd, c);
                }
            }
        }
    }
}
