//! f64 matrix products, by `matrixmultiply`. (f32 has the register tile of the convolutions, which obeys `TAPER_SIMD`; the
//! two have not been timed against each other.)

use crate::matrix::MatrixRef;

/// `c = a · b` (+ c when `accumulate`), row-major `c` of `a.rows × b.columns`.
///
/// # Panics
/// When a slice does not reach as far as its matrix.
pub(crate) fn f64_product(
    a: MatrixRef<'_, f64>,
    b: MatrixRef<'_, f64>,
    c: &mut [f64],
    accumulate: bool,
) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    if m == 0 || n == 0 {
        return;
    }
    assert!(
        c.len() >= m * n && b.rows == k,
        "f64 product: {m} × {k} × {n}"
    );
    for matrix in [a, b] {
        let empty = matrix.rows == 0 || matrix.columns == 0;
        assert!(
            empty || reach(&matrix) < matrix.values.len(),
            "f64 product: an operand is too short"
        );
    }
    let beta = if accumulate { 1.0 } else { 0.0 };
    let stride = |s: usize| isize::try_from(s).expect("checked by the slice's length");
    // SAFETY: invariant 2, asserted above; invariant 4, `c` is a unique borrow.
    unsafe {
        matrixmultiply::dgemm(
            m,
            k,
            n,
            1.0,
            a.values.as_ptr(),
            stride(a.row_stride),
            stride(a.column_stride),
            b.values.as_ptr(),
            stride(b.row_stride),
            stride(b.column_stride),
            beta,
            c.as_mut_ptr(),
            stride(n),
            1,
        );
    }
}

/// The farthest position of a matrix that is not empty.
fn reach(x: &MatrixRef<'_, f64>) -> usize {
    let rows = (x.rows - 1).checked_mul(x.row_stride);
    let columns = (x.columns - 1).checked_mul(x.column_stride);
    rows.zip(columns)
        .and_then(|(r, c)| r.checked_add(c))
        .expect("reach overflows")
}
