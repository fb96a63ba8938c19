//! Who does the work of a run, and samples cut into tasks.

use crate::kernels::cut;
use rayon::prelude::*;
use std::ops::Range;

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
pub struct Pieces<'a> {
    /// Samples of one task; the last may have fewer.
    pub samples: usize,
    /// Values of a sample of each output, at least 1.
    pub outputs: &'a [usize],
    /// Working memory of one task, at least 1.
    pub memory: usize,
}

/// Runs `work` on tasks of `n` samples, side by side: its first sample, how many they are, their outputs, and working
/// memory. With one output nothing is allocated.
///
/// # Errors
/// One of the errors that `work` returned.
pub fn by_samples<E: Send>(
    pieces: Pieces<'_>,
    n: usize,
    outputs: &mut [&mut [f32]],
    memory: &mut [f32],
    work: impl Fn(usize, usize, &mut [&mut [f32]], &mut [f32]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let each = pieces.samples;
    let task = |task: usize, outputs: &mut [&mut [f32]], memory: &mut [f32]| {
        let first = task * each;
        work(first, each.min(n - first), outputs, memory)
    };
    let memory = memory.par_chunks_mut(pieces.memory);
    if let ([output], [size]) = (&mut *outputs, pieces.outputs) {
        let tasks = output[..n * size].par_chunks_mut(each * size).zip(memory);
        let tasks = tasks.enumerate().with_max_len(1);
        return tasks.try_for_each(|(number, (y, memory))| task(number, &mut [y], memory));
    }
    let mut rests: Vec<&mut [f32]> = outputs.iter_mut().map(|output| &mut **output).collect();
    let tasks: Vec<Vec<&mut [f32]>> = (0..n)
        .step_by(each)
        .map(|first| {
            let samples = each.min(n - first);
            let sizes = pieces.outputs.iter().map(|size| samples * size);
            rests.iter_mut().zip(sizes).map(take_front).collect()
        })
        .collect();
    let tasks = tasks.into_par_iter().zip(memory).enumerate();
    tasks
        .with_max_len(1)
        .try_for_each(|(number, (mut outputs, memory))| task(number, &mut outputs, memory))
}

/// Takes so many values from the front of what is left.
fn take_front<'a>((rest, length): (&mut &'a mut [f32], usize)) -> &'a mut [f32] {
    let (front, behind) = std::mem::take(rest).split_at_mut(length);
    *rest = behind;
    front
}

/// Lends the outputs of some samples, where samples have so many values in each output. With one output nothing is
/// allocated.
pub fn samples_of<R>(
    samples: Range<usize>,
    sizes: &[usize],
    outputs: &mut [&mut [f32]],
    work: impl FnOnce(&mut [&mut [f32]]) -> R,
) -> R {
    let of = |size: usize| samples.start * size..samples.end * size;
    if let ([output], [size]) = (&mut *outputs, sizes) {
        return work(&mut [&mut output[of(*size)]]);
    }
    let parts = outputs.iter_mut().zip(sizes);
    let mut parts: Vec<&mut [f32]> = parts.map(|(y, &size)| &mut y[of(size)]).collect();
    work(&mut parts)
}
