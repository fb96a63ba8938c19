//! f32 normalization of rows: mean and deviation of each, the map, and the way back. Layer normalization is made of it, and
//! with a mean of 0 the one by root mean squares.
//!
//! A row is read from memory once: its sums are taken while it lies in the cache, those of squared distances from the mean in a
//! second run over it (a mean far from zero costs the variance nothing). Sums run in [`LANES`] lanes of their own on every
//! instruction set, and nothing is contracted, so that the bits are the same everywhere; lanes meet in a tree, in f64,
//! every [`RUN`] values.
//!
//! Rows are cut into tasks by their number and width alone. Gradients of scale and offset are sums over all rows: those of
//! some rows ([`BLOCK_VALUES`]) are added up first, then those of a task, then those of all tasks over a fixed tree.

use super::arguments::RowNorm;
use super::cut::{PIECE, add_partials, passes_together};
use super::scratch;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Sums that run side by side.
const LANES: usize = 32;

/// Values that are added up before their lanes meet.
const RUN: usize = 64 * LANES;

/// Values whose gradients of scale and offset are added up before they meet those of others.
const BLOCK_VALUES: usize = 1 << 11;

/// Tasks of a backward pass, each with sums of its own for each column.
const TASKS: usize = 64;

/// `(x − mean) · inverse · gamma + beta` of rows as wide as `gamma`; mean and inverse of each into `statistics`.
pub(crate) fn forward(x: &[f32], norm: &RowNorm<'_, f32>, y: &mut [f32], statistics: &mut [f32]) {
    let width = norm.gamma.len();
    let rows = (PIECE / width).max(1);
    y.par_chunks_mut(rows * width)
        .zip(x.par_chunks(rows * width))
        .zip(statistics.par_chunks_mut(2 * rows))
        .with_min_len(passes_together(3 * rows * width))
        .for_each(|((y, x), statistics)| {
            dispatch(Forward {
                x,
                norm,
                y,
                statistics,
            });
        });
}

struct Forward<'a> {
    x: &'a [f32],
    norm: &'a RowNorm<'a, f32>,
    y: &'a mut [f32],
    statistics: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (gamma, beta) = (self.norm.gamma, self.norm.beta);
        let width = gamma.len();
        let rows = self
            .x
            .chunks_exact(width)
            .zip(self.y.chunks_exact_mut(width));
        for ((x, y), statistics) in rows.zip(self.statistics.chunks_exact_mut(2)) {
            let mean = match self.norm.centered {
                true => (lanes(x, |x| x) / width as f64) as f32,
                false => 0.0,
            };
            let spread = lanes(x, |x| {
                let distance = x - mean;
                distance * distance
            });
            let inverse = (1.0 / (spread / width as f64 + self.norm.epsilon).sqrt()) as f32;
            for ((y, x), (gamma, beta)) in y.iter_mut().zip(x).zip(gamma.iter().zip(beta)) {
                *y = (x - mean) * inverse * gamma + beta;
            }
            statistics.copy_from_slice(&[mean, inverse]);
        }
    }
}

/// The sum of what `f` makes of the values.
#[inline(always)]
fn lanes(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut total = 0.0;
    for run in x.chunks(RUN) {
        let mut sums = [0.0f32; LANES];
        let chunks = run.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            sums.iter_mut()
                .zip(chunk)
                .for_each(|(sum, &x)| *sum += f(x));
        }
        sums.iter_mut().zip(rest).for_each(|(sum, &x)| *sum += f(x));
        total += meet(&sums);
    }
    total
}

/// The sum of all lanes, neighbours first.
#[inline(always)]
fn meet(sums: &[f32; LANES]) -> f64 {
    let mut wide = sums.map(f64::from);
    let mut left = LANES;
    while left > 1 {
        left /= 2;
        for i in 0..left {
            wide[i] = wide[2 * i] + wide[2 * i + 1];
        }
    }
    wide[0]
}

/// The gradient of the input into `dx`, those of `gamma` and `beta` into theirs. With d = dy · gamma and x̂ the normalized
/// input it is `inverse · (d − Σd / width − x̂ · Σd·x̂ / width)`, without the term of the mean if there is none.
pub(crate) fn backward(
    dy: &[f32],
    x: &[f32],
    norm: &RowNorm<'_, f32>,
    statistics: &[f32],
    dx: &mut [f32],
    gamma: &mut [f32],
    beta: &mut [f32],
) {
    let width = norm.gamma.len();
    let all = x.len() / width;
    let rows = (PIECE / width).max(all.div_ceil(TASKS)).max(1);
    scratch::with(all.div_ceil(rows) * 2 * width, |partial| {
        partial
            .par_chunks_mut(2 * width)
            .zip(dx.par_chunks_mut(rows * width))
            .zip(x.par_chunks(rows * width).zip(dy.par_chunks(rows * width)))
            .zip(statistics.par_chunks(2 * rows))
            .with_min_len(passes_together(4 * rows * width))
            .for_each(|(((partial, dx), (x, dy)), statistics)| {
                scratch::with(2 * width, |block| {
                    dispatch(Backward {
                        x,
                        dy,
                        norm,
                        statistics,
                        dx,
                        block,
                        partial,
                    });
                });
            });
        scratch::with(2 * width, |total| {
            add_partials(partial, total);
            gamma.copy_from_slice(&total[..width]);
            beta.copy_from_slice(&total[width..]);
        });
    });
}

struct Backward<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    norm: &'a RowNorm<'a, f32>,
    statistics: &'a [f32],
    dx: &'a mut [f32],
    /// Σ dy · x̂ and Σ dy of a block, column by column.
    block: &'a mut [f32],
    /// Those of the task.
    partial: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let width = self.norm.gamma.len();
        let rows = (BLOCK_VALUES / width).max(1);
        self.partial.fill(0.0);
        let blocks = self
            .x
            .chunks(rows * width)
            .zip(self.dy.chunks(rows * width));
        let results = self.dx.chunks_mut(rows * width);
        let blocks = blocks.zip(results).zip(self.statistics.chunks(2 * rows));
        for (((x, dy), dx), statistics) in blocks {
            self.block.fill(0.0);
            let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
            let rows = rows.zip(dx.chunks_exact_mut(width));
            for (((x, dy), dx), statistics) in rows.zip(statistics.chunks_exact(2)) {
                row(
                    x,
                    dy,
                    self.norm,
                    [statistics[0], statistics[1]],
                    dx,
                    self.block,
                );
            }
            let sums = self.partial.iter_mut().zip(&*self.block);
            sums.for_each(|(sum, block)| *sum += block);
        }
    }
}

/// One row: its two sums while the columns' are added to, then the gradient of its input.
#[inline(always)]
fn row(
    x: &[f32],
    dy: &[f32],
    norm: &RowNorm<'_, f32>,
    [mean, inverse]: [f32; 2],
    dx: &mut [f32],
    columns: &mut [f32],
) {
    let width = x.len();
    let (of_gamma, of_beta) = columns.split_at_mut(width);
    let (mut off, mut along) = (0.0, 0.0);
    let inputs = x
        .chunks(RUN)
        .zip(dy.chunks(RUN))
        .zip(norm.gamma.chunks(RUN));
    let columns = of_gamma.chunks_mut(RUN).zip(of_beta.chunks_mut(RUN));
    for (((x, dy), gamma), (of_gamma, of_beta)) in inputs.zip(columns) {
        let (mut sums, mut products) = ([0.0f32; LANES], [0.0f32; LANES]);
        let inputs = x
            .chunks(LANES)
            .zip(dy.chunks(LANES))
            .zip(gamma.chunks(LANES));
        let columns = of_gamma.chunks_mut(LANES).zip(of_beta.chunks_mut(LANES));
        for (((x, dy), gamma), (of_gamma, of_beta)) in inputs.zip(columns) {
            let inputs = x.iter().zip(dy).zip(gamma);
            let columns = of_gamma.iter_mut().zip(of_beta);
            let sums = sums.iter_mut().zip(&mut products);
            for ((((x, dy), gamma), (of_gamma, of_beta)), (sum, product)) in
                inputs.zip(columns).zip(sums)
            {
                let normal = (x - mean) * inverse;
                let d = dy * gamma;
                *of_gamma += dy * normal;
                *of_beta += dy;
                *sum += d;
                *product += d * normal;
            }
        }
        off += meet(&sums);
        along += meet(&products);
    }
    let share = |sum: f64| (sum / width as f64) as f32;
    let (along, off) = (share(along), if norm.centered { share(off) } else { 0.0 });
    let values = x.iter().zip(dy).zip(norm.gamma);
    for (dx, ((x, dy), gamma)) in dx.iter_mut().zip(values) {
        let normal = (x - mean) * inverse;
        *dx = inverse * (dy * gamma - off - normal * along);
    }
}
