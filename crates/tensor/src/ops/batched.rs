//! Products of stacks of matrices, with NumPy's rules for vectors and for stacks that are broadcast. One product is what
//! `dense.rs` has; here many are spread over the threads, each read where it lies.

use crate::buffer::Buffer;
use crate::kernels::cut::together;
use crate::matrix::MatrixRef;
use crate::{Element, Error, Result, Tensor, shape};
use rayon::prelude::*;

/// The product of tensors that are not both matrices.
pub(super) fn product<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Result<Tensor<E>> {
    let fail = |what: String| {
        let message = format!("{:?} and {:?}: {what}", a.shape(), b.shape());
        Error::shape("matmul", message)
    };
    match (a.rank(), b.rank()) {
        (0, _) | (_, 0) => Err(fail(
            "a single number has neither rows nor columns; multiply by it with `mul` or `scale`"
                .into(),
        )),
        (1, _) => {
            let c = a.expand_dims(0)?.matmul(b).map_err(|_| fail(inner(a, b)))?;
            let rows = c.rank() - if b.rank() == 1 { 1 } else { 2 };
            c.squeeze(rows)
        }
        (rank, 1) => {
            let c = a
                .matmul(&b.expand_dims(1)?)
                .map_err(|_| fail(inner(a, b)))?;
            c.squeeze(rank - 1)
        }
        _ if a.shape()[a.rank() - 1] != b.shape()[b.rank() - 2] => Err(fail(inner(a, b))),
        (rank, 2) => {
            // One matrix for all of them: their rows are those of one tall matrix.
            let (outer, k) = a.shape().split_at(rank - 1);
            let rows = shape::element_count("matmul", outer)?;
            let c = a.reshape([rows, k[0]])?.matmul(b)?;
            c.reshape([outer, &b.shape()[1..]].concat())
        }
        _ => stacks(a, b).map_err(|error| match error {
            Stacks::Batches(a, b) => fail(format!("the batches {a:?} and {b:?} differ")),
            Stacks::Other(error) => error,
        }),
    }
}

/// What is wrong when the inner dimensions are (or a vector's partner has none).
fn inner<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> String {
    let k = a.shape()[a.rank() - 1];
    let k2 = b.shape()[b.rank().saturating_sub(2)];
    format!("the inner dimensions {k} and {k2} differ")
}

enum Stacks {
    Batches(Vec<usize>, Vec<usize>),
    Other(Error),
}

impl From<Error> for Stacks {
    fn from(error: Error) -> Self {
        Stacks::Other(error)
    }
}

/// A product for each of the broadcast outer axes.
fn stacks<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Result<Tensor<E>, Stacks> {
    let (outer_a, inner_a) = a.shape().split_at(a.rank() - 2);
    let (outer_b, inner_b) = b.shape().split_at(b.rank() - 2);
    let outer = shape::broadcast("matmul", outer_a, outer_b);
    let outer = outer.map_err(|_| Stacks::Batches(outer_a.to_vec(), outer_b.to_vec()))?;
    let (m, k, n) = (inner_a[0], inner_a[1], inner_b[1]);
    let result = [outer.as_slice(), &[m, n]].concat();
    let mut c = Buffer::uninit(shape::element_count("matmul", &result)?);
    if !c.is_empty() {
        let left = Stack::new(a, &[outer.as_slice(), inner_a].concat())?;
        let right = Stack::new(b, &[outer.as_slice(), inner_b].concat())?;
        let one = |(i, c): (usize, &mut [E])| {
            E::matmul(left.matrix(i), right.matrix(i), c, false);
        };
        // A product's bits do not depend on who computes it: they may be handed out as they come.
        let products = c.par_chunks_exact_mut(m * n).enumerate();
        let together = together(m * n * k.max(1));
        products.with_min_len(together).for_each(one);
    }
    Ok(Tensor::from_buffer(result, c))
}

/// Matrices that are read where they lie: each must have neighbours in its rows or in its columns, or all are packed.
struct Stack<E> {
    /// All outer axes and the matrix.
    tensor: Tensor<E>,
    row_stride: usize,
    column_stride: usize,
}

impl<E: Element> Stack<E> {
    fn new(tensor: &Tensor<E>, shape: &[usize]) -> Result<Self> {
        let [.., rows, columns] = *shape else {
            return Err(Error::shape(
                "matmul",
                "a stack of matrices has two axes at least",
            ));
        };
        let strides = |tensor: &Tensor<E>| {
            let at = tensor.rank() - 2;
            (
                tensor.strides()[at] as usize,
                tensor.strides()[at + 1] as usize,
            )
        };
        let (down, right) = strides(tensor);
        // An axis of length 1 may have any stride: one that the kernels take.
        let (row_stride, column_stride) = match (down, right) {
            (down, _) if columns == 1 && down >= 1 => (down, 1),
            (_, 1) if rows == 1 => (columns.max(1), 1),
            (_, right) if rows == 1 && right >= 1 => (1, right),
            other => other,
        };
        let readable =
            |short: usize, long: usize, length: usize| short == 1 && long >= length.max(1);
        let in_place = readable(column_stride, row_stride, columns)
            || readable(row_stride, column_stride, rows);
        let (row_stride, column_stride, tensor) = if in_place {
            (row_stride, column_stride, tensor.clone())
        } else {
            (columns, 1, tensor.contiguous())
        };
        Ok(Stack {
            tensor: tensor.broadcast_to(shape)?,
            row_stride,
            column_stride,
        })
    }

    fn matrix(&self, i: usize) -> MatrixRef<'_, E> {
        let (shape, strides) = (self.tensor.shape(), self.tensor.strides());
        let outer = self.tensor.rank() - 2;
        let (mut rest, mut offset) = (i, 0);
        for axis in (0..outer).rev() {
            offset += rest % shape[axis] * strides[axis] as usize;
            rest /= shape[axis];
        }
        MatrixRef {
            values: self.tensor.storage().get(offset..).unwrap_or_default(),
            rows: shape[outer],
            columns: shape[outer + 1],
            row_stride: self.row_stride,
            column_stride: self.column_stride,
        }
    }
}
