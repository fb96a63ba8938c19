//! A rectangular block of a row-major matrix that can be cut into disjoint blocks, also by columns, and handed to tasks.

use std::marker::PhantomData;

/// Exclusive access to `rows × columns` values, `step` apart from row to row (invariants 2 and 4).
pub(crate) struct BlockMut<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    step: usize,
    _exclusive: PhantomData<&'a mut [f32]>,
}

// SAFETY: invariant 4, a block is as exclusive as the `&mut [f32]` it was made from, which is Send.
unsafe impl Send for BlockMut<'_> {}

impl<'a> BlockMut<'a> {
    /// The first `rows × columns` values of `values`, rows `step` apart.
    ///
    /// # Panics
    /// When the values do not reach that far, or rows overlap.
    pub(crate) fn new(values: &'a mut [f32], rows: usize, columns: usize, step: usize) -> Self {
        if rows > 0 && columns > 0 {
            let reach = (rows - 1)
                .checked_mul(step)
                .and_then(|r| r.checked_add(columns));
            assert!(
                reach.is_some_and(|r| r <= values.len()),
                "block of {rows} × {columns}, {step} apart"
            );
            assert!(rows == 1 || step >= columns, "rows overlap");
        }
        BlockMut {
            first: values.as_mut_ptr(),
            rows,
            columns,
            step,
            _exclusive: PhantomData,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn pointer(&self) -> *mut f32 {
        self.first
    }

    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// The columns before `at`, and the others.
    pub(crate) fn split_columns(self, at: usize) -> (BlockMut<'a>, BlockMut<'a>) {
        assert!(
            at <= self.columns,
            "split at column {at} of {}",
            self.columns
        );
        let right = BlockMut {
            first: self.first.wrapping_add(at),
            columns: self.columns - at,
            ..self
        };
        (
            BlockMut {
                columns: at,
                ..self
            },
            right,
        )
    }

    /// `rows × columns` values from (`row`, `column`) on, borrowed for as long as the result lives.
    ///
    /// # Panics
    /// When the part does not lie inside.
    #[inline(always)]
    pub(crate) fn part(
        &mut self,
        row: usize,
        rows: usize,
        column: usize,
        columns: usize,
    ) -> BlockMut<'_> {
        assert!(
            row + rows <= self.rows && column + columns <= self.columns,
            "part outside the block"
        );
        let first = self.first.wrapping_add(row * self.step + column);
        BlockMut {
            first,
            rows,
            columns,
            step: self.step,
            _exclusive: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_in_place() {
        let mut values = vec![0.0; 12];
        let (mut left, mut right) = BlockMut::new(&mut values, 3, 4, 4).split_columns(1);
        let corner = left.part(2, 1, 0, 1);
        // SAFETY: invariant 2, the corner is one value.
        unsafe { *corner.pointer() = 1.0 };
        let inner = right.part(1, 2, 1, 2);
        // SAFETY: invariant 2, the part has two rows of two values.
        unsafe { *inner.pointer().add(inner.step() + 1) = 2.0 };
        assert_eq!(
            values,
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0]
        );
    }

    #[test]
    #[should_panic(expected = "block of 3 × 4")]
    fn reach_is_checked() {
        BlockMut::new(&mut [0.0; 11], 3, 4, 4);
    }
}
