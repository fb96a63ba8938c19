//! How work is cut, and how the sums of its pieces meet: by shapes alone, never by the number of threads, so that a result
//! has the same bits on any number of them.

use super::scratch;
use rayon::prelude::*;
use std::ops::Range;

/// Values that one task passes over: long enough to be worth it, short enough for the L2 cache. A multiple of
/// [`BLOCK`](super::dropout::BLOCK).
pub(crate) const PIECE: usize = 1 << 15;

/// Images of one task: a function of their number alone.
pub(crate) fn images_per_task(n: usize) -> usize {
    n.div_ceil(TASKS).max(1)
}

/// Below this many products a task is not worth being handed to another thread.
pub(crate) const TASK_PRODUCTS: usize = 1 << 18;

/// Below this many products work stays on the thread that has it: to hand it over and to wait for it takes longer.
const WORTH: usize = 1 << 17;

/// Products that take as long as reading or writing a value.
const VALUE: usize = 8;

/// How many tasks of so many products a thread does before another is asked (rayon's `with_min_len`). It does not
/// influence what is computed, only where.
pub(crate) fn together(products: usize) -> usize {
    WORTH.div_ceil(products.max(1))
}

/// Both, side by side or one after the other.
pub(crate) fn join_if<A: Send, B: Send>(
    parallel: bool,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if parallel {
        rayon::join(a, b)
    } else {
        (a(), b())
    }
}

/// Calls `work(number, image)` for every image of `y`, each of which has `image` values and takes so many products.
pub(crate) fn each_image(
    y: &mut [f32],
    image: usize,
    products: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    if y.is_empty() {
        return;
    }
    let per_task = images_per_task(y.len() / image);
    let tasks = y.par_chunks_mut(per_task * image).enumerate();
    let tasks = tasks.with_min_len(together(per_task * products));
    tasks.for_each(|(task, y)| {
        for (i, y) in y.chunks_exact_mut(image).enumerate() {
            work(task * per_task + i, y);
        }
    });
}

/// Rows of an image that one task computes, each of so many products.
pub(crate) fn rows_per_task(products: usize, rows: usize) -> usize {
    TASK_PRODUCTS
        .div_ceil(products.max(1))
        .clamp(1, rows.max(1))
}

/// Calls `part(first row, its rows)` for the tasks of one image, of which a row has `row` values and takes so many products.
pub(crate) fn by_rows(
    y: &mut [f32],
    row: usize,
    products: usize,
    part: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = rows_per_task(products, y.len() / row);
    if rows * row >= y.len() {
        return part(0, y);
    }
    let tasks = y.par_chunks_mut(rows * row).enumerate();
    let tasks = tasks.with_min_len(together(rows * products));
    tasks.for_each(|(task, y)| part(task * rows, y));
}

/// [`together`] of tasks that pass over so many values.
pub(crate) fn passes_together(values: usize) -> usize {
    together(values * VALUE)
}

/// Images are cut into at most this many tasks, whatever the number of threads.
const TASKS: usize = 16;

/// A sum over images: `sum` writes what some of them give, task by task, and what the tasks have is added over a fixed
/// tree. Without images `total` is zero. An image takes so many products.
pub(crate) fn sum_images(
    images: usize,
    products: usize,
    total: &mut [f32],
    sum: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    if images == 0 {
        return total.fill(0.0);
    }
    let (per_task, len) = (images_per_task(images), total.len());
    scratch::with(images.div_ceil(per_task) * len, |partial| {
        let tasks = partial.par_chunks_mut(len).enumerate();
        let tasks = tasks.with_min_len(together(per_task * products));
        tasks.for_each(|(task, sums)| {
            sum(task * per_task..((task + 1) * per_task).min(images), sums);
        });
        add_partials(partial, total);
    });
}

/// The sum of the parts (each as long as `total`) over a fixed tree: neighbours first.
pub(crate) fn add_partials(partial: &mut [f32], total: &mut [f32]) {
    let len = total.len();
    let mut distance = 1;
    while distance * len < partial.len() {
        let pairs = partial.par_chunks_mut(2 * distance * len);
        pairs
            .with_min_len(passes_together(2 * len))
            .for_each(|pair| {
                if pair.len() > distance * len {
                    let (left, right) = pair.split_at_mut(distance * len);
                    left[..len]
                        .iter_mut()
                        .zip(&right[..len])
                        .for_each(|(l, r)| *l += r);
                }
            });
        distance *= 2;
    }
    total.copy_from_slice(&partial[..len]);
}
