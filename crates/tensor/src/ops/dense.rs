//! Matrix products and dense layers.

use super::arguments::{checked_bias, checked_epilogue, values};
use crate::buffer::Buffer;
use crate::kernels::Epilogue;
use crate::matrix::MatrixRef;
use crate::{Element, Error, Result, Tensor, shape};

/// A rank-2 tensor as the kernels read it: in place if its strides allow, packed otherwise.
struct Operand<E>(Tensor<E>);

impl<E: Element> Operand<E> {
    fn new(tensor: &Tensor<E>) -> Self {
        let dense =
            |tensor: &Tensor<E>| tensor.is_contiguous() || tensor.transpose().is_contiguous();
        Operand(if dense(tensor) {
            tensor.clone()
        } else {
            tensor.contiguous()
        })
    }

    fn matrix(&self) -> MatrixRef<'_, E> {
        let tensor = &self.0;
        let (rows, columns) = (tensor.shape()[0], tensor.shape()[1]);
        match tensor.as_slice() {
            Some(values) => MatrixRef::by_rows(values, rows, columns),
            None => MatrixRef::by_columns(tensor.storage(), rows, columns),
        }
    }
}

impl<E: Element> Tensor<E> {
    /// The matrix product, by NumPy's rules: `[m, k]` and `[k, n]` → `[m, n]`; of stacks of matrices `[…, m, k]` and
    /// `[…, k, n]` one by one, their outer axes broadcast; and a vector is a row on the left, `[k]` and `[k, n]` → `[n]`, a
    /// column on the right, `[m, k]` and `[k]` → `[m]`.
    ///
    /// Views are read in place where the rows of each matrix, or its columns, lie in one piece.
    ///
    /// ```
    /// use taper_tensor::Tensor;
    /// let a = Tensor::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// assert_eq!(a.matmul(&a.transpose())?.to_vec(), [14.0, 32.0, 32.0, 77.0]);
    /// let v = Tensor::from_vec([3], vec![1.0, 0.0, -1.0])?;
    /// assert_eq!(a.matmul(&v)?.to_vec(), [-2.0, -2.0]);
    /// let stack = Tensor::ones([5, 1, 4, 2]).matmul(&Tensor::<f32>::ones([3, 2, 6]))?;
    /// assert_eq!(stack.shape(), [5, 3, 4, 6]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the inner dimensions differ, the outer axes do not broadcast, or one is a single number.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        match (self.shape(), other.shape()) {
            (&[m, k], &[k2, n]) if k == k2 => {
                let (left, right) = (Operand::new(self), Operand::new(other));
                let mut c = Buffer::uninit(shape::element_count("matmul", &[m, n])?);
                E::matmul(left.matrix(), right.matrix(), &mut c, false);
                Ok(Tensor::from_buffer([m, n], c))
            }
            _ => super::batched::product(self, other),
        }
    }

    /// The gradient of a dense layer's kernel, selfᵀ · gradient: `[n, in]`, `[n, out]` → `[in, out]`. The bits are those of
    /// [`matmul`](Self::matmul); its [`magnitude`](Self::magnitude), which the optimizer will ask for, is noted while its parts
    /// are in the caches.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn dense_kernel_gradient(&self, gradient: &Self) -> Result<Self> {
        let transposed = self.transpose();
        let (inputs, outputs) = match (self.shape(), gradient.shape()) {
            (&[n, inputs], &[n2, outputs]) if n == n2 => (inputs, outputs),
            _ => return transposed.matmul(gradient), // which says what does not fit
        };
        let (left, right) = (Operand::new(&transposed), Operand::new(gradient));
        let count = shape::element_count("dense_kernel_gradient", &[inputs, outputs])?;
        let mut c = Buffer::uninit(count);
        let magnitude = E::matmul_measured(left.matrix(), right.matrix(), &mut c);
        c.note_magnitude(magnitude);
        Ok(Tensor::from_buffer([inputs, outputs], c))
    }

    /// dropout(activation(self · kernel + bias)): `[n, in]`, `[in, out]`, `[out]` → `[n, out]`.
    ///
    /// # Errors
    /// When the shapes do not fit, the dropout rate is not in `[0, 1)`, or dropout stands behind another activation function
    /// than relu.
    pub fn dense(&self, kernel: &Self, bias: Option<&Self>, epilogue: &Epilogue) -> Result<Self> {
        if self.rank() != 2 || kernel.rank() != 2 || self.shape()[1] != kernel.shape()[0] {
            let (x, k) = (self.shape(), kernel.shape());
            let message = format!(
                "input {x:?} and kernel {k:?}: the input must be [n, in], the kernel [in, out]"
            );
            return Err(Error::shape("dense", message));
        }
        let (n, units) = (self.shape()[0], kernel.shape()[1]);
        let bias = checked_bias("dense", bias, units)?;
        checked_epilogue("dense", epilogue)?;
        let (x, kernel) = (Operand::new(self), Operand::new(kernel));
        let mut y = Buffer::uninit(shape::element_count("dense", &[n, units])?);
        E::matmul(x.matrix(), kernel.matrix(), &mut y, false);
        E::finish(&mut y, bias.as_ref().map(values), epilogue);
        Ok(Tensor::from_buffer([n, units], y))
    }
}
