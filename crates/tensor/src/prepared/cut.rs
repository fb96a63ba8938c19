//! Who does the work of a run, and samples cut into tasks.

use crate::kernels::cut;
use rayon::prelude::*;

/// Who does the work of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The calling thread alone: it is one task of many.
    Whole,
    /// It may be cut into tasks for the thread pool.
    Tasks,
}

/// Below this many products work is not cut into tasks: handing it over would take longer.
pub const TASK_PRODUCTS: usize = cut::TASK_PRODUCTS;

/// Runs `work` inside the thread pool, so that all of its parallel regions together wake the pool once.
pub fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// How [`by_samples`] cuts: samples of one task, values of one sample, and working memory of one task.
#[derive(Clone, Copy, Debug)]
pub struct Pieces {
    /// Samples of one task; the last may have fewer.
    pub samples: usize,
    /// Values of one input, at least 1.
    pub inputs: usize,
    /// Values of one output, at least 1.
    pub outputs: usize,
    /// Working memory of one task, at least 1.
    pub memory: usize,
}

/// Runs `work` on the tasks' inputs, outputs and working memory, side by side.
///
/// # Errors
/// One of the errors that `work` returned.
pub fn by_samples<E: Send>(
    pieces: Pieces,
    x: &[f32],
    y: &mut [f32],
    memory: &mut [f32],
    work: impl Fn(&[f32], &mut [f32], &mut [f32]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let inputs = x.par_chunks(pieces.samples * pieces.inputs);
    let outputs = y.par_chunks_mut(pieces.samples * pieces.outputs);
    let tasks = inputs
        .zip(outputs)
        .zip(memory.par_chunks_mut(pieces.memory))
        .with_max_len(1);
    tasks.try_for_each(|((x, y), memory)| work(x, y, memory))
}
