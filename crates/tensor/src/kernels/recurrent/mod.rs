//! Recurrent layers over whole sequences: what LSTM and GRU share. Every sample runs through time by itself, so a task takes
//! some samples through all steps: its states and the recurrent kernel stay in its core's cache, and no thread waits for
//! another between two steps.
//!
//! What a task works on lies together, step by step (`piece` below), so that a step is one product and one pass:
//!
//! ```text
//!     samples 0 … 15:  step 0 (rows 0 … 15), step 1, …   samples 16 … 31:  step 0, step 1, …
//! ```
//!
//! The products of all steps at once (inputs, and the kernels' gradients at the end) run over these rows in whatever order
//! they lie. Pieces depend on the number of samples alone, and a row of a product on its own inputs: the same bits for any
//! number of threads.

mod gru;
mod lstm;

pub use gru::{GruBackward, GruForward};
pub(crate) use gru::{gru_backward, gru_forward};
pub use lstm::{LstmBackward, LstmForward};
pub(crate) use lstm::{lstm_backward, lstm_forward};

use super::Kernels;
use crate::buffer::Buffer;
use crate::matrix::MatrixRef;
use rayon::prelude::*;

/// Samples of a task.
const PIECE: usize = 32;

/// A step counts: the state moves on.
const TAKEN: u8 = 1;
/// The output of a step is the state; else it is zero.
const SHOWN: u8 = 2;

/// Sizes, and what the outputs are.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Course {
    pub(crate) samples: usize,
    pub(crate) steps: usize,
    pub(crate) units: usize,
    /// Whether the outputs are those of all steps, or of the last one.
    pub(crate) sequences: bool,
    /// How many states stand behind the outputs, as further rows.
    pub(crate) states: usize,
    /// From the last step to the first.
    pub(crate) backwards: bool,
    /// For every sample its steps in the order in which they are run: which count, and which show their state.
    pub(crate) marks: Option<Vec<u8>>,
}

impl Course {
    /// Marks of a mask `[samples, steps]`, of which everything but zero counts.
    pub(crate) fn mark<E: Kernels>(&mut self, mask: &[E], zero_output: bool) {
        let mut marks = vec![0; mask.len()];
        for (marks, mask) in marks
            .chunks_exact_mut(self.steps)
            .zip(mask.chunks_exact(self.steps))
        {
            let mut shown = 0;
            for (step, mark) in marks.iter_mut().enumerate() {
                let taken = !mask[self.time(step)].is_zero();
                // What is left out repeats the output before it, and zeros before the first.
                shown = match (taken, zero_output) {
                    (true, _) => SHOWN,
                    (false, true) => 0,
                    (false, false) => shown,
                };
                *mark = shown | if taken { TAKEN } else { 0 };
            }
        }
        self.marks = Some(marks);
    }

    /// Rows of a sample's output.
    pub(crate) fn rows(&self) -> usize {
        self.states + if self.sequences { self.steps } else { 1 }
    }

    /// Where the input of a step stands in its sample.
    fn time(&self, step: usize) -> usize {
        if self.backwards {
            self.steps - 1 - step
        } else {
            step
        }
    }

    fn has(&self, mark: u8, sample: usize, step: usize) -> bool {
        let marks = self.marks.as_ref();
        marks.is_none_or(|marks| marks[sample * self.steps + step] & mark != 0)
    }

    /// Whether the state moves on; `None` where that is so for every sample.
    fn taken(&self, piece: &Piece, step: usize) -> Option<Vec<bool>> {
        self.marks.as_ref()?;
        let taken = (0..piece.rows).map(|row| self.has(TAKEN, piece.first + row, step));
        Some(taken.collect())
    }

    /// The row of a sample's output that a step writes, if it writes one.
    fn output_row(&self, step: usize) -> Option<usize> {
        match (self.sequences, step + 1 == self.steps) {
            (true, _) => Some(step),
            (false, true) => Some(0),
            (false, false) => None,
        }
    }

    /// What `width` values a sample and step come to in a piece.
    fn piece(&self, width: usize) -> usize {
        (PIECE * self.steps * width).max(1)
    }

    /// Writes a step's states to the outputs of a piece.
    fn show<E: Kernels>(&self, piece: &Piece, step: usize, states: &[E], y: &mut [E]) {
        let Some(row) = self.output_row(step) else {
            return;
        };
        let samples = y.chunks_exact_mut(self.rows() * self.units);
        for (i, (y, h)) in samples.zip(states.chunks_exact(self.units)).enumerate() {
            let y = &mut y[row * self.units..][..self.units];
            if self.has(SHOWN, piece.first + i, step) {
                y.copy_from_slice(h);
            } else {
                y.fill(E::zero());
            }
        }
    }

    /// Adds the gradient of a step's outputs to that of its states.
    fn hear<E: Kernels>(&self, piece: &Piece, step: usize, dy: &[E], dh: &mut [E]) {
        let Some(row) = self.output_row(step) else {
            return;
        };
        let samples = dy.chunks_exact(self.rows() * self.units);
        for (i, (dy, dh)) in samples.zip(dh.chunks_exact_mut(self.units)).enumerate() {
            if self.has(SHOWN, piece.first + i, step) {
                let dy = &dy[row * self.units..][..self.units];
                dh.iter_mut().zip(dy).for_each(|(dh, dy)| *dh += *dy);
            }
        }
    }

    /// State number `index` of a piece, from or to the rows behind its outputs.
    fn state_row(&self, index: usize) -> usize {
        (self.rows() - self.states + index) * self.units
    }

    fn show_state<E: Kernels>(&self, index: usize, state: &[E], y: &mut [E]) {
        if index < self.states {
            let samples = y.chunks_exact_mut(self.rows() * self.units);
            for (y, state) in samples.zip(state.chunks_exact(self.units)) {
                y[self.state_row(index)..][..self.units].copy_from_slice(state);
            }
        }
    }

    /// The gradient of state number `index` behind the last step.
    fn state_gradient<E: Kernels>(&self, index: usize, dy: &[E], gradient: &mut [E]) {
        if index >= self.states {
            return gradient.fill(E::zero());
        }
        let samples = dy.chunks_exact(self.rows() * self.units);
        for (dy, state) in samples.zip(gradient.chunks_exact_mut(self.units)) {
            state.copy_from_slice(&dy[self.state_row(index)..][..self.units]);
        }
    }

    /// `[samples, steps, width]` in the order of pieces.
    pub(crate) fn packed<E: Kernels>(&self, x: &[E], width: usize) -> Buffer<E> {
        let mut packed = Buffer::uninit(x.len());
        let pieces = packed.par_chunks_mut(self.piece(width)).enumerate();
        pieces.for_each(|(index, packed)| {
            self.each_row(index, width, |from, to| {
                packed[to..to + width].copy_from_slice(&x[from..from + width]);
            });
        });
        packed
    }

    /// The way back of [`packed`](Self::packed).
    pub(crate) fn unpacked<E: Kernels>(&self, packed: &[E], width: usize) -> Buffer<E> {
        let mut x = Buffer::uninit(packed.len());
        let pieces = x.par_chunks_mut(self.piece(width)).enumerate();
        pieces.for_each(|(index, x)| {
            let first = index * self.piece(width);
            self.each_row(index, width, |to, from| {
                x[to - first..][..width].copy_from_slice(&packed[first + from..][..width]);
            });
        });
        x
    }

    /// For every row of a piece where it stands in the samples, and where in the piece.
    fn each_row(&self, index: usize, width: usize, mut each: impl FnMut(usize, usize)) {
        let piece = Piece::new(self, index);
        for step in 0..self.steps {
            for row in 0..piece.rows {
                let from = (piece.first + row) * self.steps + self.time(step);
                each(from * width, (step * piece.rows + row) * width);
            }
        }
    }
}

/// Samples that run together.
struct Piece {
    first: usize,
    rows: usize,
}

impl Piece {
    fn new(course: &Course, index: usize) -> Self {
        let first = index * PIECE;
        Piece {
            first,
            rows: PIECE.min(course.samples - first),
        }
    }

    /// Its part of one row a sample, or zeros.
    fn part<E: Kernels>(&self, values: Option<&[E]>, width: usize) -> Buffer<E> {
        match values {
            Some(values) => Buffer::from_slice(&values[self.first * width..][..self.rows * width]),
            None => Buffer::zeros(self.rows * width),
        }
    }
}

/// `c = a · b` of packed rows on the thread that calls; added to `c` when `accumulate`.
fn product<E: Kernels>(a: &[E], b: &[E], c: &mut [E], [k, n]: [usize; 2], accumulate: bool) {
    let a = MatrixRef::by_rows(a, a.len() / k, k);
    E::matmul_here(a, MatrixRef::by_rows(b, k, n), c, accumulate);
}
