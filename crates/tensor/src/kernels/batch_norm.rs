//! f32 batch normalization over the last axis: moments of every channel, the map, and the way back.
//!
//! Each pass streams its tensors once, so that memory is what it waits for. Channels are few and rows many: a loop over
//! the channels of one row would be too short for vectors, and its sums would wait for each other. So rows are taken
//! several at a time, as one row of at least [`WIDE`] values, with sums and settings repeated to that width and the sums
//! folded at the end of a piece:
//!
//! ```text
//!     channels 0 1 2 | 0 1 2 | 0 1 2 | … one wide row of x
//!   + channels 0 1 2 | 0 1 2 | 0 1 2 | … sums, as wide
//! ```
//!
//! Pieces depend on the shape alone. Within a piece a lane adds some dozens of f32 values; folded sums of pieces meet in
//! f64. The moments of a piece are taken in two passes while it lies in the cache (Chan, Golub and LeVeque 1983, the
//! corrected form), those of all pieces by the parallel-axis theorem: a mean far from zero costs the variance nothing.

use super::arguments::ChannelMap;
use super::cut::{PIECE, passes_together};
use super::elementwise::at_least;
use super::scratch;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Values of a wide row, at least.
const WIDE: usize = 512;

/// The length of a wide row: whole rows of `channels`.
fn width(channels: usize) -> usize {
    channels * WIDE.div_ceil(channels)
}

/// Values of a task: whole wide rows.
fn piece(channels: usize) -> usize {
    PIECE.next_multiple_of(width(channels))
}

/// Mean and biased variance of each of `mean.len()` channels. Without rows all are zero.
pub(crate) fn moments(x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let channels = mean.len();
    mean.fill(0.0);
    variance.fill(0.0);
    if x.is_empty() {
        return;
    }
    let piece = piece(channels);
    scratch::with(x.len().div_ceil(piece) * 2 * channels, |partial| {
        partial
            .par_chunks_mut(2 * channels)
            .zip(x.par_chunks(piece))
            .with_min_len(passes_together(piece))
            .for_each(|(partial, x)| {
                scratch::with(3 * width(channels), |work| {
                    dispatch(PieceMoments { x, work, partial });
                });
            });
        let rows = |i: usize| (piece.min(x.len() - i * piece) / channels) as f64;
        let total = (x.len() / channels) as f64;
        for (c, (mean, variance)) in mean.iter_mut().zip(variance).enumerate() {
            let pieces = || partial.chunks_exact(2 * channels).enumerate();
            let sum: f64 = pieces().map(|(i, p)| rows(i) * f64::from(p[c])).sum();
            let centre = sum / total;
            let spread: f64 = pieces()
                .map(|(i, p)| {
                    let distance = f64::from(p[c]) - centre;
                    f64::from(p[channels + c]) + rows(i) * distance * distance
                })
                .sum();
            *mean = centre as f32;
            *variance = (spread / total) as f32;
        }
    });
}

/// Means of the channels of one piece, and behind them their sums of squared distances from these.
struct PieceMoments<'a> {
    x: &'a [f32],
    /// Three wide rows.
    work: &'a mut [f32],
    partial: &'a mut [f32],
}

impl WithSimd for PieceMoments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let width = self.work.len() / 3;
        let (centre, sums) = self.work.split_at_mut(width);
        let (first, second) = sums.split_at_mut(width);
        let (mean, spread) = self.partial.split_at_mut(self.partial.len() / 2);
        let rows = (self.x.len() / mean.len()) as f32;

        first.fill(0.0);
        for row in self.x.chunks(width) {
            for (sum, x) in first.iter_mut().zip(row) {
                *sum += x;
            }
        }
        fold(first, mean);
        mean.iter_mut().for_each(|mean| *mean /= rows);
        repeat(mean, centre);

        first.fill(0.0);
        second.fill(0.0);
        for row in self.x.chunks(width) {
            let sums = first.iter_mut().zip(second.iter_mut());
            for ((x, centre), (first, second)) in row.iter().zip(&*centre).zip(sums) {
                let distance = x - centre;
                *first += distance;
                *second += distance * distance;
            }
        }
        fold(second, spread);
        let channels = mean.len();
        let (rest, other) = first.split_at_mut(channels);
        for row in other.chunks_exact(channels) {
            rest.iter_mut().zip(row).for_each(|(rest, x)| *rest += x);
        }
        // What the first mean was off by, which rounding alone has made.
        for ((mean, spread), rest) in mean.iter_mut().zip(spread).zip(rest) {
            *mean += *rest / rows;
            *spread = at_least(*spread - *rest * *rest / rows, 0.0);
        }
    }
}

/// The sums of a wide row's channels.
#[inline(always)]
fn fold(wide: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for row in wide.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
}

/// A value a channel, again and again.
#[inline(always)]
fn repeat(values: &[f32], wide: &mut [f32]) {
    for row in wide.chunks_exact_mut(values.len()) {
        row.copy_from_slice(values);
    }
}

/// Lends each of `settings`, one value a channel, as a wide row.
fn with_wide<const N: usize, R>(settings: [&[f32]; N], work: impl FnOnce([&[f32]; N]) -> R) -> R {
    let width = width(settings[0].len());
    scratch::with(N * width, |memory| {
        for (wide, values) in memory.chunks_exact_mut(width).zip(settings) {
            repeat(values, wide);
        }
        work(std::array::from_fn(|i| &memory[i * width..][..width]))
    })
}

/// `(x − mean) · factor + offset`, then relu if the map has one.
pub(crate) fn map(x: &[f32], map: &ChannelMap<'_, f32>, y: &mut [f32]) {
    let piece = piece(map.mean.len());
    with_wide([map.mean, map.factor, map.offset], |settings| {
        y.par_chunks_mut(piece)
            .zip(x.par_chunks(piece))
            .with_min_len(passes_together(2 * piece))
            .for_each(|(y, x)| {
                dispatch(Map {
                    x,
                    y,
                    settings,
                    relu: map.relu,
                });
            });
    });
}

struct Map<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    /// Mean, factor and offset.
    settings: [&'a [f32]; 3],
    relu: bool,
}

impl WithSimd for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [mean, factor, offset] = self.settings;
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let rows = self.x.chunks(mean.len());
        for (y, x) in self.y.chunks_mut(mean.len()).zip(rows) {
            let settings = mean.iter().zip(factor).zip(offset);
            for ((y, x), ((mean, factor), offset)) in y.iter_mut().zip(x).zip(settings) {
                *y = at_least(before_relu(*x, *mean, *factor, *offset), least);
            }
        }
    }
}

/// The map without its relu. The way back computes it anew instead of reading what the way forth wrote: the same
/// expression, hence the same bits.
#[inline(always)]
fn before_relu(x: f32, mean: f32, factor: f32, offset: f32) -> f32 {
    (x - mean) * factor + offset
}

/// The gradient `dy` where the map has let it through.
#[inline(always)]
fn through_relu(dy: f32, y: f32, relu: bool) -> f32 {
    if (y > 0.0) | !relu { dy } else { 0.0 }
}

/// Σ dy and Σ dy · (x − mean) of every channel, where `dy` is what the relu lets through.
pub(crate) fn sums(
    dy: &[f32],
    x: &[f32],
    map: &ChannelMap<'_, f32>,
    sums: &mut [f32],
    products: &mut [f32],
) {
    let channels = sums.len();
    let piece = piece(channels);
    with_wide([map.mean, map.factor, map.offset], |settings| {
        scratch::with(x.len().div_ceil(piece) * 2 * channels, |partial| {
            partial
                .par_chunks_mut(2 * channels)
                .zip(x.par_chunks(piece).zip(dy.par_chunks(piece)))
                .with_min_len(passes_together(2 * piece))
                .for_each(|(partial, (x, dy))| {
                    scratch::with(2 * width(channels), |work| {
                        dispatch(PieceSums {
                            x,
                            dy,
                            settings,
                            relu: map.relu,
                            work,
                            partial,
                        });
                    });
                });
            for (c, total) in sums.iter_mut().chain(products).enumerate() {
                let pieces = partial.chunks_exact(2 * channels);
                *total = pieces.map(|p| f64::from(p[c])).sum::<f64>() as f32;
            }
        });
    });
}

/// The sums of one piece: Σ dy, and behind them Σ dy · (x − mean).
struct PieceSums<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    /// Mean, factor and offset.
    settings: [&'a [f32]; 3],
    relu: bool,
    /// Two wide rows.
    work: &'a mut [f32],
    partial: &'a mut [f32],
}

impl WithSimd for PieceSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [mean, factor, offset] = self.settings;
        self.work.fill(0.0);
        let (sums, products) = self.work.split_at_mut(mean.len());
        let rows = self.dy.chunks(mean.len());
        for (x, dy) in self.x.chunks(mean.len()).zip(rows) {
            let settings = mean.iter().zip(factor).zip(offset);
            let sums = sums.iter_mut().zip(products.iter_mut());
            for (((x, dy), ((mean, factor), offset)), (sum, product)) in
                x.iter().zip(dy).zip(settings).zip(sums)
            {
                let y = before_relu(*x, *mean, *factor, *offset);
                let dy = through_relu(*dy, y, self.relu);
                *sum += dy;
                *product += dy * (x - mean);
            }
        }
        let (sum, product) = self.partial.split_at_mut(self.partial.len() / 2);
        fold(sums, sum);
        fold(products, product);
    }
}

/// `dy · factor + (x − mean) · slope + constant`, where `dy` is what the relu lets through.
pub(crate) fn input_gradient(
    dy: &[f32],
    x: &[f32],
    map: &ChannelMap<'_, f32>,
    slope: &[f32],
    constant: &[f32],
    dx: &mut [f32],
) {
    let piece = piece(map.mean.len());
    let settings = [map.mean, map.factor, map.offset, slope, constant];
    with_wide(settings, |settings| {
        dx.par_chunks_mut(piece)
            .zip(x.par_chunks(piece).zip(dy.par_chunks(piece)))
            .with_min_len(passes_together(3 * piece))
            .for_each(|(dx, (x, dy))| {
                dispatch(InputGradient {
                    x,
                    dy,
                    settings,
                    relu: map.relu,
                    dx,
                });
            });
    });
}

struct InputGradient<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    /// Mean, factor, offset, slope and constant.
    settings: [&'a [f32]; 5],
    relu: bool,
    dx: &'a mut [f32],
}

impl WithSimd for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let [mean, factor, offset, slope, constant] = self.settings;
        let width = mean.len();
        let rows = self.x.chunks(width).zip(self.dy.chunks(width));
        for (dx, (x, dy)) in self.dx.chunks_mut(width).zip(rows) {
            let map = mean.iter().zip(factor).zip(offset);
            let rest = slope.iter().zip(constant);
            for ((dx, (x, dy)), (((mean, factor), offset), (slope, constant))) in
                dx.iter_mut().zip(x.iter().zip(dy)).zip(map.zip(rest))
            {
                let y = before_relu(*x, *mean, *factor, *offset);
                let dy = through_relu(*dy, y, self.relu);
                *dx = dy * factor + ((x - mean) * slope + constant);
            }
        }
    }
}
