//! f32 passes over memory: bias, relu, dropout and their gradients, sums over a fixed tree.

use super::arguments::{After, Epilogue};
use super::cut::{PIECE, add_partials, passes_together};
use super::dropout::{BLOCK, Dropout, Threshold};
use super::fusible::{Fusible, WayBack, WithWayBack};
use super::scratch;
use crate::Key;
use crate::simd::{Simd, WithSimd, dispatch};
use rayon::prelude::*;

/// Adds the bias along the last axis, then the activation function, then dropout.
pub(crate) fn finish(y: &mut [f32], bias: Option<&[f32]>, epilogue: &Epilogue) {
    let row = bias.map_or(1, <[f32]>::len).max(1);
    let piece = PIECE.div_ceil(row) * row;
    let pieces = y.par_chunks_mut(piece).enumerate();
    let pieces = pieces.with_min_len(passes_together(piece));
    pieces.for_each(|(i, y)| {
        if bias.is_some() || epilogue.is_relu() {
            dispatch(BiasRelu {
                y: &mut *y,
                bias,
                relu: epilogue.is_relu(),
            });
        }
        apply_function(y, epilogue);
        if let Some(dropout) = epilogue.dropout {
            dropout_in_place(y, &dropout, i * piece);
        }
    });
}

struct BiasRelu<'a> {
    y: &'a mut [f32],
    bias: Option<&'a [f32]>,
    relu: bool,
}

impl WithSimd for BiasRelu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        match self.bias {
            None => self.y.iter_mut().for_each(|y| *y = at_least(*y, 0.0)),
            Some(bias) => {
                let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
                for row in self.y.chunks_exact_mut(bias.len()) {
                    for (y, b) in row.iter_mut().zip(bias) {
                        *y = at_least(*y + b, least);
                    }
                }
            }
        }
    }
}

/// The larger of the two, but NaN stays NaN (`f32::max` would hide it, and with it that training has diverged).
#[inline(always)]
pub(super) fn at_least(value: f32, least: f32) -> f32 {
    if value < least { least } else { value }
}

/// The epilogue's activation function, but for relu, which has been applied with the bias.
fn apply_function(y: &mut [f32], epilogue: &Epilogue) {
    if let Some(function) = epilogue.activation.and_then(Fusible::function) {
        function.apply_in_place(y);
    }
}

/// What of `after` stands behind the bias, for outputs whose first has row-major position `position`: where there is a sum,
/// with relu behind it; any other activation function; then dropout.
pub(crate) fn behind_bias(y: &mut [f32], after: &After<'_, f32>, position: usize) {
    if let Some(addend) = after.addend {
        let (x, relu) = (&addend[position..][..y.len()], after.epilogue.is_relu());
        dispatch(AddInPlace { y, x, relu });
    }
    apply_function(y, &after.epilogue);
    if let Some(dropout) = after.epilogue.dropout {
        dropout_in_place(y, &dropout, position);
    }
}

/// y += x, then perhaps relu.
pub(crate) struct AddInPlace<'a> {
    pub(crate) y: &'a mut [f32],
    pub(crate) x: &'a [f32],
    pub(crate) relu: bool,
}

impl WithSimd for AddInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let pairs = self.y.iter_mut().zip(self.x);
        if self.relu {
            pairs.for_each(|(y, x)| *y = at_least(*y + x, 0.0));
        } else {
            pairs.for_each(|(y, x)| *y += x);
        }
    }
}

/// Drops and scales `y`, whose first value has row-major position `position`.
pub(crate) fn dropout_in_place(y: &mut [f32], dropout: &Dropout, position: usize) {
    dispatch(DropInPlace {
        y,
        dropout: *dropout,
        position,
    });
}

/// Drops and scales `y`, whose first value has row-major position `position`.
pub(crate) struct DropInPlace<'a> {
    pub(crate) y: &'a mut [f32],
    pub(crate) dropout: Dropout,
    pub(crate) position: usize,
}

impl WithSimd for DropInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let threshold = self.dropout.threshold();
        let (mut y, mut position) = (self.y, self.position);
        while !y.is_empty() {
            let (block, offset) = (position / BLOCK, position % BLOCK);
            let (now, later) = y.split_at_mut((BLOCK - offset).min(y.len()));
            if let Ok(whole) = <&mut [f32; BLOCK]>::try_from(&mut *now) {
                drop_block(simd, self.dropout.key, threshold, block as u64, whole);
            } else {
                let mut whole = [0.0; BLOCK];
                whole[offset..offset + now.len()].copy_from_slice(now);
                drop_block(simd, self.dropout.key, threshold, block as u64, &mut whole);
                now.copy_from_slice(&whole[offset..offset + now.len()]);
            }
            position += now.len();
            y = later;
        }
    }
}

/// Drops and scales the 128 values of a block.
#[inline(always)]
fn drop_block<S: Simd>(simd: S, key: Key, threshold: Threshold, block: u64, y: &mut [f32; BLOCK]) {
    let scale = threshold.scale as f32;
    let words = simd.philox(key, block * 16);
    for (group, y) in y.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let (word, shift) = (&words[group % 4], 16 * (group as u32 / 4));
        simd.keep_at_least(word, shift, threshold.first, scale, y);
    }
    if threshold.second != 0 {
        drop_undecided(key, threshold, &words, block, y);
    }
}

/// Clears those of a block whose first 16 bits equal the threshold's and whose further ones stay below it.
#[cold]
fn drop_undecided(
    key: Key,
    threshold: Threshold,
    words: &[[u32; 16]; 4],
    block: u64,
    y: &mut [f32; BLOCK],
) {
    for (e, y) in y.iter_mut().enumerate() {
        let bits = (words[e / 16 % 4][e % 16] >> (16 * (e / 64))) & 0xffff;
        let position = block * BLOCK as u64 + e as u64;
        if bits == threshold.first && Threshold::more_bits(key, position) < threshold.second {
            *y = 0.0;
        }
    }
}

/// Inverted dropout of `x`.
pub(crate) fn dropout(x: &[f32], dropout: &Dropout, y: &mut [f32]) {
    y.par_chunks_mut(PIECE)
        .zip(x.par_chunks(PIECE))
        .enumerate()
        .with_min_len(passes_together(PIECE))
        .for_each(|(i, (y, x))| {
            y.copy_from_slice(x);
            dropout_in_place(y, dropout, i * PIECE);
        });
}

/// The gradient in front of `activation`, which put out `output`; what passes relu is multiplied by `scale`.
pub(crate) fn activation_gradient(
    activation: Fusible,
    gradient: &[f32],
    output: &[f32],
    scale: f32,
    dx: &mut [f32],
) {
    let parts = gradient.par_chunks(PIECE).zip(output.par_chunks(PIECE));
    dx.par_chunks_mut(PIECE)
        .zip(parts)
        .with_min_len(passes_together(3 * PIECE))
        .for_each(|(dx, (gradient, output))| {
            activation.with_way_back(scale, Back(gradient, output, dx));
        });
}

struct Back<'a>(&'a [f32], &'a [f32], &'a mut [f32]);

impl WithWayBack<f32> for Back<'_> {
    fn run<W: WayBack<f32>>(self, way: W) {
        dispatch(BackBy(way, self));
    }
}

struct BackBy<'a, W>(W, Back<'a>);

impl<W: WayBack<f32>> WithSimd for BackBy<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let BackBy(way, Back(gradient, output, dx)) = self;
        for ((dx, &d), &y) in dx.iter_mut().zip(gradient).zip(output) {
            *dx = way.back(d, y);
        }
    }
}

/// Sums of the columns of a matrix with `sums.len()` columns: pieces of rows, then a fixed tree.
pub(crate) fn sum_rows(x: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    if x.is_empty() {
        return sums.fill(0.0);
    }
    let piece = PIECE.div_ceil(columns) * columns;
    scratch::with(x.len().div_ceil(piece) * columns, |partial| {
        partial
            .par_chunks_mut(columns)
            .zip(x.par_chunks(piece))
            .with_min_len(passes_together(piece))
            .for_each(|(sums, x)| {
                dispatch(SumRows { x, sums });
            });
        add_partials(partial, sums);
    });
}

struct SumRows<'a> {
    x: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for SumRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.sums.fill(0.0);
        let columns = self.sums.len();
        let whole = columns / S::LANES * S::LANES;
        let (vectors, rest) = self.sums.split_at_mut(whole);
        for (v, sums) in vectors.chunks_exact_mut(S::LANES).enumerate() {
            let mut sum = simd.splat(0.0);
            for row in self.x.chunks_exact(columns) {
                sum = simd.add(sum, simd.load(&row[v * S::LANES..]));
            }
            simd.store(sums, sum);
        }
        if !rest.is_empty() {
            for row in self.x.chunks_exact(columns) {
                let row = &row[whole..];
                rest.iter_mut().zip(row).for_each(|(s, x)| *s += x);
            }
        }
    }
}

/// The gradient in front of an activation function, row by row, and the sums of its columns, added to `sums`.
pub(super) struct BackAndSums<'a> {
    pub(super) gradient: &'a [f32],
    pub(super) output: &'a [f32],
    pub(super) dx: &'a mut [f32],
    pub(super) sums: &'a mut [f32],
}

impl WithWayBack<f32> for BackAndSums<'_> {
    fn run<W: WayBack<f32>>(self, way: W) {
        dispatch(BackAndSumsBy(way, self));
    }
}

struct BackAndSumsBy<'a, W>(W, BackAndSums<'a>);

impl<W: WayBack<f32>> WithSimd for BackAndSumsBy<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let columns = self.1.sums.len();
        let mut first = 0;
        while first + S::LANES <= columns {
            let vectors = ((columns - first) / S::LANES).min(4);
            match vectors {
                1 => self.vectors::<S, 1>(simd, first),
                2 => self.vectors::<S, 2>(simd, first),
                3 => self.vectors::<S, 3>(simd, first),
                _ => self.vectors::<S, 4>(simd, first),
            }
            first += vectors * S::LANES;
        }
        if first == columns {
            return;
        }
        // Branches would be mispredicted: relu lets through what it wants.
        let BackAndSumsBy(way, of) = self;
        let rows = of.gradient.chunks_exact(columns);
        let rows = rows.zip(of.output.chunks_exact(columns));
        for ((gradient, output), dx) in rows.zip(of.dx.chunks_exact_mut(columns)) {
            let values = gradient[first..].iter().zip(&output[first..]);
            let results = dx[first..].iter_mut().zip(&mut of.sums[first..]);
            for ((&gradient, &output), (dx, sum)) in values.zip(results) {
                *dx = way.back(gradient, output);
                *sum += *dx;
            }
        }
    }
}

impl<W: WayBack<f32>> BackAndSumsBy<'_, W> {
    /// `VECTORS` vectors of columns from `first` on, their sums in registers.
    #[inline(always)]
    fn vectors<S: Simd, const VECTORS: usize>(&mut self, simd: S, first: usize) {
        let BackAndSumsBy(way, of) = self;
        let columns = of.sums.len();
        let mut sums = [simd.splat(0.0); VECTORS];
        let rows = of.gradient.chunks_exact(columns);
        let rows = rows.zip(of.output.chunks_exact(columns));
        for ((gradient, output), dx) in rows.zip(of.dx.chunks_exact_mut(columns)) {
            for (v, sum) in sums.iter_mut().enumerate() {
                let at = first + v * S::LANES;
                let (gradient, output) = (simd.load(&gradient[at..]), simd.load(&output[at..]));
                let passed = way.back_vectors(simd, gradient, output);
                simd.store(&mut dx[at..], passed);
                *sum = simd.add(*sum, passed);
            }
        }
        for (v, &sum) in sums.iter().enumerate() {
            let to = &mut of.sums[first + v * S::LANES..];
            simd.store(to, simd.add(simd.load(to), sum));
        }
    }
}

/// Σ|x| and Σx²: eight f64 lanes a piece, then the pieces in order.
pub(crate) fn penalty_sums(x: &[f32]) -> (f64, f64) {
    let pieces: Vec<_> = x
        .par_chunks(PIECE)
        .with_min_len(passes_together(PIECE))
        .map(|x| dispatch(PenaltySums { x }))
        .collect();
    pieces
        .into_iter()
        .fold((0.0, 0.0), |(l1, l2), (a, b)| (l1 + a, l2 + b))
}

struct PenaltySums<'a> {
    x: &'a [f32],
}

impl WithSimd for PenaltySums<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (f64, f64) {
        simd.penalty_sums(self.x)
    }
}
