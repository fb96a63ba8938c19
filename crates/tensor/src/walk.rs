//! Reads strided views in row-major order, a row at a time. Neighbouring axes that lie in memory like one are merged
//! first, so that most views end up as one long row or as few rows with a simple inner stride: the loops over rows are
//! where the time goes, and they see slices and constants.

use rayon::prelude::*;

/// Elements per piece of parallel work. It does not depend on the number of threads.
pub(crate) const CHUNK: usize = 16 * 1024;

/// The common row-major order of `N` views of one shape.
pub(crate) struct Walk<const N: usize> {
    /// Merged axes, the innermost first. Never empty.
    axes: Vec<Axis<N>>,
}

struct Axis<const N: usize> {
    length: usize,
    /// Distance between neighbours, for each view.
    strides: [usize; N],
}

impl<const N: usize> Walk<N> {
    /// Views of `shape`, each with its strides. Strides are never negative.
    pub(crate) fn new(shape: &[usize], strides: [&[isize]; N]) -> Self {
        let mut axes: Vec<Axis<N>> = Vec::with_capacity(shape.len().max(1));
        for axis in (0..shape.len()).rev().filter(|&axis| shape[axis] != 1) {
            let length = shape[axis];
            let strides = strides.map(|strides| strides[axis] as usize);
            match axes.last_mut() {
                Some(inner) if inner.strides.map(|stride| stride * inner.length) == strides => {
                    inner.length *= length;
                }
                _ => axes.push(Axis { length, strides }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis {
                length: 1,
                strides: [1; N],
            });
        }
        Walk { axes }
    }

    /// Distance between neighbours in a row, for each view.
    pub(crate) fn inner_strides(&self) -> [usize; N] {
        self.axes[0].strides
    }

    /// Visits elements `start..end` of the row-major order: calls `row(position, length, offsets)` for every piece of
    /// a row, with the offsets of its first element in each view.
    pub(crate) fn rows(
        &self,
        start: usize,
        end: usize,
        mut row: impl FnMut(usize, usize, [usize; N]),
    ) {
        let mut offsets = [0; N];
        let mut index = vec![0; self.axes.len()];
        let mut rest = start;
        for (i, axis) in index.iter_mut().zip(&self.axes) {
            *i = rest % axis.length.max(1);
            rest /= axis.length.max(1);
            forward(&mut offsets, axis.strides, *i);
        }
        let inner = &self.axes[0];
        let mut position = start;
        while position < end {
            let length = (inner.length - index[0]).min(end - position);
            row(position, length, offsets);
            position += length;
            back(&mut offsets, inner.strides, index[0]);
            index[0] = 0;
            self.next_row(&mut index, &mut offsets);
        }
    }

    fn next_row(&self, index: &mut [usize], offsets: &mut [usize; N]) {
        for (i, axis) in index.iter_mut().zip(&self.axes).skip(1) {
            *i += 1;
            forward(offsets, axis.strides, 1);
            if *i < axis.length {
                return;
            }
            *i = 0;
            back(offsets, axis.strides, axis.length);
        }
    }
}

fn forward<const N: usize>(offsets: &mut [usize; N], strides: [usize; N], steps: usize) {
    offsets
        .iter_mut()
        .zip(strides)
        .for_each(|(offset, stride)| *offset += steps * stride);
}

fn back<const N: usize>(offsets: &mut [usize; N], strides: [usize; N], steps: usize) {
    offsets
        .iter_mut()
        .zip(strides)
        .for_each(|(offset, stride)| *offset -= steps * stride);
}

/// Calls `work(start, chunk)` for consecutive chunks of `out`, in parallel if there are several.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], work: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() <= CHUNK {
        work(0, out);
    } else {
        out.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(i, chunk)| work(i * CHUNK, chunk));
    }
}
