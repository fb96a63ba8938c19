//! Kernels that are prepared once and then run again and again on other inputs: weights lie packed in memory of their own,
//! geometry and cut are decided beforehand, and nothing is allocated (working memory is the thread's own, `scratch`).
//!
//! `taper-nn` makes its prepared models of these. A run says how it may be cut ([`Cut`]): a small batch is cut inside each
//! layer, of a large one every task takes whole images through several layers. Either way a result depends on the input and
//! on the shapes alone, never on the number of threads or on the cut.

mod conv2d;
mod dense;
mod junctions;
mod passes;
mod pool;

pub use conv2d::PreparedConv2d;
pub use dense::PreparedDense;
pub use junctions::{add_in_place, is_cut_by_pieces};
pub use passes::{relu_in_place, scale_and_shift_in_place, softmax_rows_in_place};
pub use pool::PreparedMaxPool2d;

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
pub const TASK_PRODUCTS: usize = super::conv::TASK_PRODUCTS;

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
