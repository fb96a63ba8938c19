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

impl<'a, E> MatrixRef<'a, E> {
    /// Rows one after another.
    pub(crate) fn by_rows(values: &'a [E], rows: usize, columns: usize) -> Self {
        MatrixRef {
            values,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Columns one after another.
    pub(crate) fn by_columns(values: &'a [E], rows: usize, columns: usize) -> Self {
        MatrixRef {
            values,
            rows,
            columns,
            row_stride: 1,
            column_stride: rows,
        }
    }
}

impl<E: Copy> MatrixRef<'_, E> {
    /// Element (i, j).
    pub fn at(&self, i: usize, j: usize) -> E {
        self.values[i * self.row_stride + j * self.column_stride]
    }
}
