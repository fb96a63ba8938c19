//! f32 pooling, channels in the inner loop.

use super::cut::passes_together;
use super::geometry::PoolGeometry;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Maxima and the tap of each.
pub(crate) fn forward(g: &PoolGeometry, x: &[f32], y: &mut [f32], winners: &mut [u8]) {
    let image = g.output();
    if y.is_empty() {
        return;
    }
    let outputs = y.par_chunks_mut(image).zip(winners.par_chunks_mut(image));
    outputs
        .zip(x.par_chunks(g.image().max(1)))
        .with_min_len(passes_together(g.visits()))
        .for_each(|((y, winners), x)| {
            dispatch(Forward { g, x, y, winners });
        });
}

struct Forward<'a> {
    g: &'a PoolGeometry,
    x: &'a [f32],
    y: &'a mut [f32],
    winners: &'a mut [u8],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (g, c) = (self.g, self.g.channels);
        let outputs = self
            .y
            .chunks_exact_mut(c)
            .zip(self.winners.chunks_exact_mut(c));
        for (pixel, (y, winners)) in outputs.enumerate() {
            y.fill(f32::NEG_INFINITY);
            winners.fill(u8::MAX);
            for_each_tap(g, pixel, |tap, input| {
                let x = &self.x[input..][..c];
                for ((y, winner), &x) in y.iter_mut().zip(winners.iter_mut()).zip(x) {
                    let better = x > *y || x.is_nan() || *winner == u8::MAX;
                    *winner = if better { tap } else { *winner };
                    *y = if better { x } else { *y };
                }
            });
        }
    }
}

/// Calls `each(tap, position of the input pixel)` for the taps of an output pixel that lie on the image.
#[inline(always)]
fn for_each_tap(g: &PoolGeometry, pixel: usize, mut each: impl FnMut(u8, usize)) {
    let (oy, ox) = (pixel / g.columns.outputs, pixel % g.columns.outputs);
    for ky in 0..g.rows.taps {
        let Some(iy) = g.rows.input(oy, ky) else {
            continue;
        };
        for kx in 0..g.columns.taps {
            let Some(ix) = g.columns.input(ox, kx) else {
                continue;
            };
            each(
                (ky * g.columns.taps + kx) as u8,
                (iy * g.columns.inputs + ix) * g.channels,
            );
        }
    }
}

/// Each output's gradient goes to the tap that won.
pub(crate) fn gradient(g: &PoolGeometry, dy: &[f32], winners: &[u8], dx: &mut [f32]) {
    if dx.is_empty() {
        return;
    }
    let outputs = dy
        .par_chunks(g.output().max(1))
        .zip(winners.par_chunks(g.output().max(1)));
    dx.par_chunks_mut(g.image())
        .zip(outputs)
        .with_min_len(passes_together(g.visits()))
        .for_each(|(dx, (dy, winners))| {
            dispatch(Gradient { g, dy, winners, dx });
        });
}

struct Gradient<'a> {
    g: &'a PoolGeometry,
    dy: &'a [f32],
    winners: &'a [u8],
    dx: &'a mut [f32],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (g, c) = (self.g, self.g.channels);
        self.dx.fill(0.0);
        for (pixel, (dy, winners)) in self
            .dy
            .chunks_exact(c)
            .zip(self.winners.chunks_exact(c))
            .enumerate()
        {
            for_each_tap(g, pixel, |tap, input| {
                let dx = &mut self.dx[input..][..c];
                for ((dx, &dy), &winner) in dx.iter_mut().zip(dy).zip(winners) {
                    *dx += if winner == tap { dy } else { 0.0 };
                }
            });
        }
    }
}

/// The average of each window; padding is not counted.
pub(crate) fn average(g: &PoolGeometry, x: &[f32], y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    y.par_chunks_mut(g.output())
        .zip(x.par_chunks(g.image().max(1)))
        .with_min_len(passes_together(g.visits()))
        .for_each(|(y, x)| dispatch(Average { g, x, y }));
}

/// The averages of one image.
pub(crate) struct Average<'a> {
    pub(crate) g: &'a PoolGeometry,
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a mut [f32],
}

impl WithSimd for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (g, c) = (self.g, self.g.channels);
        for (pixel, y) in self.y.chunks_exact_mut(c).enumerate() {
            y.fill(0.0);
            for_each_tap(g, pixel, |_, input| {
                let x = &self.x[input..][..c];
                y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
            });
            let share = share(g, pixel);
            y.iter_mut().for_each(|y| *y *= share);
        }
    }
}

/// One divided by the taps of an output pixel that lie on the image.
#[inline(always)]
fn share(g: &PoolGeometry, pixel: usize) -> f32 {
    let mut taps = 0;
    for_each_tap(g, pixel, |_, _| taps += 1);
    1.0 / taps as f32
}

/// Each output's gradient is shared out among the taps of its window.
pub(crate) fn average_gradient(g: &PoolGeometry, dy: &[f32], dx: &mut [f32]) {
    if dx.is_empty() {
        return;
    }
    dx.par_chunks_mut(g.image())
        .zip(dy.par_chunks(g.output().max(1)))
        .with_min_len(passes_together(g.visits()))
        .for_each(|(dx, dy)| dispatch(AverageGradient { g, dy, dx }));
}

struct AverageGradient<'a> {
    g: &'a PoolGeometry,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for AverageGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (g, c) = (self.g, self.g.channels);
        self.dx.fill(0.0);
        for (pixel, dy) in self.dy.chunks_exact(c).enumerate() {
            let share = share(g, pixel);
            for_each_tap(g, pixel, |_, input| {
                let dx = &mut self.dx[input..][..c];
                dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy * share);
            });
        }
    }
}
