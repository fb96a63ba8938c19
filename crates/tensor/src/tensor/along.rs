//! What goes along one axis: entries by position, steps, order and running sums. An axis splits the values into outer
//! blocks of `length` entries with `inner` values each.

use super::Tensor;
use crate::buffer::Buffer;
use crate::{Element, Error, Result, shape};
use std::cmp::Ordering;
use std::ops::Range;

/// How a [cumulative sum](Tensor::cumsum) runs. By default each sum has its own value in it, and they begin at the front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cumulative {
    /// Without the value itself: the first sum is 0.
    pub exclusive: bool,
    /// From the end to the front.
    pub reverse: bool,
}

/// Along one axis.
impl<E: Element> Tensor<E> {
    /// Every `step`-th entry of `range` along `axis`: with a positive step from its start on (a view), with a negative one from
    /// its last entry backwards (a copy).
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let x = Tensor::from_vec([6], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0_f32])?;
    /// assert_eq!(x.slice_step(0, 1..6, 2)?.to_vec(), [1.0, 3.0, 5.0]);
    /// assert_eq!(x.slice_step(0, 0..6, -1)?.to_vec(), [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the axis does not exist, the range is not within it, or the step is 0.
    pub fn slice_step(&self, axis: usize, range: Range<usize>, step: isize) -> Result<Self> {
        let mut view = self.slice(axis, range.clone())?;
        if step <= 0 {
            return self.take(axis, &step_positions(range, step)?);
        }
        view.shape[axis] = range.len().div_ceil(step.unsigned_abs());
        // Of at most one entry the stride plays no role, and may be too large for a number.
        if view.shape[axis] > 1 {
            view.strides[axis] *= step;
        }
        Ok(view)
    }

    /// The entries of `axis` at these positions, in their order; a position may come several times.
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let x = Tensor::from_vec([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0_f32])?;
    /// assert_eq!(x.take(1, &[2, 0])?.to_vec(), [2.0, 0.0, 5.0, 3.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the axis does not exist, or a position lies outside.
    pub fn take(&self, axis: usize, positions: &[usize]) -> Result<Self> {
        shape::check_axis("take", axis, &self.shape)?;
        check_positions("take", positions, self.shape[axis])?;
        let mut shape = self.shape.clone();
        shape[axis] = positions.len();
        let mut out = Buffer::uninit(shape::element_count("take", &shape)?);
        let Blocks { inner, length, .. } = Blocks::of(&self.shape, axis);
        let source = self.contiguous();
        let blocks = out.chunks_exact_mut((positions.len() * inner).max(1));
        for (to, from) in blocks.zip(source.values().chunks_exact((length * inner).max(1))) {
            for (to, &position) in to.chunks_exact_mut(inner).zip(positions) {
                to.copy_from_slice(&from[position * inner..][..inner]);
            }
        }
        Ok(Tensor::from_buffer(shape, out))
    }

    /// The gradient of [`take`](Self::take): zeros with `length` entries along `axis`, and every entry of `self` added at its
    /// position, in the order of `positions`.
    ///
    /// # Errors
    /// If the axis does not exist, there is not one position an entry, or one is not below `length`.
    pub fn add_at(&self, axis: usize, positions: &[usize], length: usize) -> Result<Self> {
        shape::check_axis("add_at", axis, &self.shape)?;
        if positions.len() != self.shape[axis] {
            let message = format!(
                "axis {axis} of {:?} has {} entries, but {} positions are given",
                self.shape,
                self.shape[axis],
                positions.len()
            );
            return Err(Error::shape("add_at", message));
        }
        check_positions("add_at", positions, length)?;
        let mut shape = self.shape.clone();
        shape[axis] = length;
        let mut out = Buffer::zeros(shape::element_count("add_at", &shape)?);
        let inner = Blocks::of(&self.shape, axis).inner;
        let source = self.contiguous();
        let blocks = source
            .values()
            .chunks_exact((positions.len() * inner).max(1));
        for (to, from) in out.chunks_exact_mut((length * inner).max(1)).zip(blocks) {
            for (from, &position) in from.chunks_exact(inner).zip(positions) {
                let to = &mut to[position * inner..][..inner];
                to.iter_mut().zip(from).for_each(|(to, &x)| *to += x);
            }
        }
        Ok(Tensor::from_buffer(shape, out))
    }

    /// Where the values along `axis` come from when they are put in ascending order, for every value of the sorted tensor in
    /// row-major order. Equal values keep their order; a NaN counts as the greatest (as in NumPy).
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let x = Tensor::from_vec([3], vec![3.0, 1.0, 2.0_f32])?;
    /// assert_eq!(x.argsort(0)?, [1, 2, 0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn argsort(&self, axis: usize) -> Result<Vec<usize>> {
        shape::check_axis("argsort", axis, &self.shape)?;
        Ok(self.ordered(axis, self.shape[axis], ascending))
    }

    /// Where the `k` greatest values along `axis` come from, the greatest first, in row-major order of the result. Of equal
    /// values the first comes first; a NaN counts as the greatest.
    ///
    /// # Errors
    /// If the axis does not exist or has fewer than `k` entries.
    pub fn arg_top_k(&self, axis: usize, k: usize) -> Result<Vec<usize>> {
        shape::check_axis("top_k", axis, &self.shape)?;
        if k > self.shape[axis] {
            let message = format!(
                "the greatest {k} along axis {axis} of {:?}, which has {} entries",
                self.shape, self.shape[axis]
            );
            return Err(Error::shape("top_k", message));
        }
        Ok(self.ordered(axis, k, |a, b| ascending(b, a)))
    }

    /// The sums of all values along `axis` up to each, as `how` says.
    ///
    /// ```
    /// use taper_tensor::{Cumulative, Tensor};
    /// let x = Tensor::from_vec([3], vec![1.0, 2.0, 3.0_f32])?;
    /// assert_eq!(x.cumsum(0, Cumulative::default())?.to_vec(), [1.0, 3.0, 6.0]);
    /// let rest = Cumulative { exclusive: true, reverse: true };
    /// assert_eq!(x.cumsum(0, rest)?.to_vec(), [5.0, 3.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the axis does not exist.
    pub fn cumsum(&self, axis: usize, how: Cumulative) -> Result<Self> {
        shape::check_axis("cumsum", axis, &self.shape)?;
        let Blocks { inner, length, .. } = Blocks::of(&self.shape, axis);
        let mut result = self.packed();
        let mut sums = vec![E::zero(); inner];
        for block in result
            .as_mut_slice()
            .chunks_exact_mut((length * inner).max(1))
        {
            sums.fill(E::zero());
            for i in 0..length {
                let entry = if how.reverse { length - 1 - i } else { i };
                for (x, sum) in block[entry * inner..][..inner].iter_mut().zip(&mut sums) {
                    let before = *sum;
                    *sum += *x;
                    *x = if how.exclusive { before } else { *sum };
                }
            }
        }
        Ok(result)
    }

    /// The entries of the first axis one after the other, as views; a single number has none.
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let x = Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0, 4.0_f32])?;
    /// let sums: Vec<f32> = x.rows().map(|row| row.sum().item()).collect::<Result<_, _>>()?;
    /// assert_eq!(sums, [3.0, 7.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + '_ {
        let count = self.shape.first().copied().unwrap_or(0);
        (0..count).map(|i| {
            let mut row = self.clone();
            row.offset += i * self.strides[0] as usize;
            row.shape.remove(0);
            row.strides.remove(0);
            row
        })
    }

    /// The first `count` positions along `axis` by `order`, in row-major order of the result. Equal values keep their order.
    fn ordered(&self, axis: usize, count: usize, order: fn(&E, &E) -> Ordering) -> Vec<usize> {
        let mut shape = self.shape.clone();
        shape[axis] = count;
        let mut indices = vec![0; shape.iter().product()];
        let (from, to) = (Blocks::of(&self.shape, axis), Blocks::of(&shape, axis));
        let source = self.contiguous();
        let values = source.values();
        let mut line: Vec<usize> = Vec::with_capacity(from.length);
        for outer in 0..from.outer {
            for inner in 0..from.inner {
                line.clear();
                line.extend(0..from.length);
                let value = |i: &usize| &values[from.at(outer, *i, inner)];
                let by_value = |a: &usize, b: &usize| order(value(a), value(b)).then(a.cmp(b));
                if (1..from.length).contains(&count) {
                    line.select_nth_unstable_by(count - 1, by_value);
                }
                line.truncate(count);
                line.sort_unstable_by(by_value);
                for (i, &position) in line.iter().enumerate() {
                    indices[to.at(outer, i, inner)] = position;
                }
            }
        }
        indices
    }
}

/// How an axis divides the values.
struct Blocks {
    outer: usize,
    length: usize,
    inner: usize,
}

impl Blocks {
    fn of(shape: &[usize], axis: usize) -> Self {
        Blocks {
            outer: shape[..axis].iter().product(),
            length: shape[axis],
            inner: shape[axis + 1..].iter().product::<usize>(),
        }
    }

    fn at(&self, outer: usize, entry: usize, inner: usize) -> usize {
        (outer * self.length + entry) * self.inner + inner
    }
}

/// Which entries [`slice_step`](Tensor::slice_step) takes, in their order.
fn step_positions(range: Range<usize>, step: isize) -> Result<Vec<usize>> {
    let stride = step.unsigned_abs();
    match step {
        0 => Err(Error::shape(
            "slice_step",
            "the step is 0, it must be 1, -1 or more",
        )),
        1.. => Ok(range.step_by(stride).collect()),
        _ => Ok(range.rev().step_by(stride).collect()),
    }
}

/// Smaller values first, NaN last.
fn ascending<E: Element>(a: &E, b: &E) -> Ordering {
    a.partial_cmp(b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn check_positions(operation: &'static str, positions: &[usize], length: usize) -> Result<()> {
    match positions.iter().find(|&&position| position >= length) {
        Some(position) => Err(Error::shape(
            operation,
            format!("position {position} does not exist: there are {length}"),
        )),
        None => Ok(()),
    }
}
