//! To and from the arrays of the crate `ndarray`, for programs that have their numbers there. With the feature `ndarray`.

use super::Tensor;
use crate::Element;
use ndarray::{Array, ArrayD, ArrayView, Dimension, IxDyn};

/// A copy of the values in row-major order.
///
/// ```
/// use ndarray::{ArrayD, array};
/// use taper_tensor::Tensor;
/// let x: Tensor = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into();
/// assert_eq!(x.shape(), [2, 3]);
/// let back = ArrayD::from(&x.transpose());
/// assert_eq!(back, array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]].into_dyn());
/// ```
impl<E: Element> From<&Tensor<E>> for ArrayD<E> {
    fn from(tensor: &Tensor<E>) -> Self {
        let shape = IxDyn(tensor.shape());
        Array::from_shape_vec(shape, tensor.to_vec()).expect("as many values as the shape has")
    }
}

/// A copy of the values in row-major order.
impl<E: Element> From<Tensor<E>> for ArrayD<E> {
    fn from(tensor: Tensor<E>) -> Self {
        (&tensor).into()
    }
}

/// A copy, whatever the array's strides are.
///
/// # Panics
/// As [`Tensor::zeros`].
impl<E: Element, D: Dimension> From<ArrayView<'_, E, D>> for Tensor<E> {
    fn from(array: ArrayView<'_, E, D>) -> Self {
        let mut values = array.iter();
        // As many values as the shape has: the zero stands for none of them.
        Tensor::from_fn(array.shape(), |_| {
            values.next().copied().unwrap_or_else(E::zero)
        })
    }
}

/// A copy, whatever the array's strides are.
///
/// # Panics
/// As [`Tensor::zeros`].
impl<E: Element, D: Dimension> From<Array<E, D>> for Tensor<E> {
    fn from(array: Array<E, D>) -> Self {
        array.view().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    #[test]
    fn views_with_any_strides_arrive_in_order() {
        let array = Array::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as f64);
        let turned: Tensor<f64> = array.slice(s![..;-1, 1..;2]).reversed_axes().into();
        assert_eq!(turned.shape(), [2, 3]);
        assert_eq!(turned.to_vec(), [21.0, 11.0, 1.0, 23.0, 13.0, 3.0]);
        assert_eq!(ArrayD::from(turned.slice(0, 0..1).unwrap()).shape(), [1, 3]);
        let scalar: Tensor<f64> = ndarray::arr0(7.0).into();
        assert_eq!((scalar.shape().len(), scalar.item().unwrap()), (0, 7.0));
        let none: Tensor<f64> = Array::zeros((0, 2)).into();
        assert_eq!(ArrayD::from(&none).shape(), [0, 2]);
    }
}
