//! A matrix as products read it: a slice and two strides, so that views and transposes need no copy. It stands below both
//! the kernels and the instruction sets, which hand it to each other.

/// A matrix read in place: element (i, j) is `values[i · row_stride + j · column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a, E> {
    /// The storage from the first element on.
    pub values: &'a [E],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

impl<E: Copy> MatrixRef<'_, E> {
    /// Element (i, j).
    pub fn at(&self, i: usize, j: usize) -> E {
        self.values[i * self.row_stride + j * self.column_stride]
    }
}
