//! Views show the right elements, whatever they were made from, and what is refused is refused with names.

mod common;

use common::{indices, shapes, tensor, views};
use proptest::prelude::*;
use taper_tensor::Tensor;

proptest! {
    #[test]
    fn values_come_in_row_major_order(view in views()) {
        let expected: Vec<f64> = indices(view.shape()).iter().map(|i| view.get(i).unwrap()).collect();
        prop_assert_eq!(&view.to_vec(), &expected);
        prop_assert_eq!(view.len(), expected.len());
        prop_assert_eq!(view.is_empty(), expected.is_empty());
        let packed = view.contiguous();
        prop_assert_eq!(packed.as_slice(), Some(&expected[..]));
        if let Some(values) = view.as_slice() {
            prop_assert_eq!(values, &expected[..]);
        }
        let mut shape = view.shape().to_vec();
        shape.reverse();
        prop_assert_eq!(view.reshape(shape).unwrap().to_vec(), expected);
    }

    #[test]
    fn permutations_move_every_index(view in views(), choice in any::<u32>()) {
        let axes: Vec<usize> = common::key(choice % 1000).permutation(view.rank()).into_iter().map(|a| a as usize).collect();
        let permuted = view.permute(&axes).unwrap();
        for index in indices(permuted.shape()) {
            let mut original = vec![0; view.rank()];
            axes.iter().zip(&index).for_each(|(&axis, &i)| original[axis] = i);
            prop_assert_eq!(permuted.get(&index), view.get(&original));
        }
    }

    #[test]
    fn slices_shift_one_index(view in views(), axis in 0..4usize, from in 0..6usize, to in 0..6usize) {
        match view.slice(axis, from..to) {
            Ok(part) => {
                for index in indices(part.shape()) {
                    let mut original = index.clone();
                    original[axis] += from;
                    prop_assert_eq!(part.get(&index), view.get(&original));
                }
            }
            Err(_) => prop_assert!(axis >= view.rank() || from > to || to > view.shape()[axis]),
        }
    }

    #[test]
    fn broadcasting_repeats(view in views(), front in shapes()) {
        prop_assume!(front.len() < 3);
        let shape = [&front[..], view.shape()].concat();
        let wide = view.broadcast_to(&shape).unwrap();
        prop_assert_eq!(wide.shape(), &shape[..]);
        for index in indices(&shape) {
            prop_assert_eq!(wide.get(&index), view.get(&index[front.len()..]));
        }
    }

    #[test]
    fn writing_is_seen_by_nobody_else(view in views()) {
        let other = view.clone();
        let before = view.to_vec();
        let mut own = view;
        own.as_mut_slice().iter_mut().for_each(|x| *x += 1.0);
        prop_assert_eq!(&other.to_vec(), &before);
        prop_assert_eq!(own.to_vec(), before.iter().map(|x| x + 1.0).collect::<Vec<_>>());
    }

    #[test]
    fn axes_of_length_one_come_and_go(view in views(), axis in 0..5usize) {
        match view.expand_dims(axis) {
            Ok(wide) => {
                prop_assert_eq!(wide.shape()[axis], 1);
                prop_assert_eq!(wide.is_contiguous(), view.is_contiguous());
                prop_assert_eq!(wide.squeeze(axis).unwrap(), view);
            }
            Err(_) => prop_assert!(axis > view.rank()),
        }
    }
}

#[test]
fn views_copy_nothing() {
    let x = tensor(&[4, 5, 6], 0);
    let start = x.storage().as_ptr();
    assert_eq!(x.clone().storage().as_ptr(), start);
    assert_eq!(x.reshape([20, 6]).unwrap().storage().as_ptr(), start);
    assert_eq!(x.transpose().storage().as_ptr(), start);
    assert_eq!(x.permute(&[2, 0, 1]).unwrap().storage().as_ptr(), start);
    assert_eq!(x.contiguous().storage().as_ptr(), start);
    assert_eq!(
        x.broadcast_to(&[7, 4, 5, 6]).unwrap().storage().as_ptr(),
        start
    );
    let part = x.slice(0, 1..3).unwrap();
    assert_eq!(part.as_slice().unwrap(), &x.as_slice().unwrap()[30..90]);
}

#[test]
fn an_unshared_tensor_is_written_in_place() {
    let mut x = tensor(&[100], 0);
    let start = x.storage().as_ptr();
    x.as_mut_slice()[3] = 9.0;
    assert_eq!(x.storage().as_ptr(), start);
    let copy = x.clone();
    x.as_mut_slice()[3] = 10.0;
    assert_eq!((copy.get(&[3]), x.get(&[3])), (Some(9.0), Some(10.0)));
}

#[test]
fn scalars_have_no_axes() {
    let x = Tensor::scalar(2.5_f32);
    assert_eq!((x.shape(), x.rank(), x.len()), (&[][..], 0, 1));
    assert_eq!(x.item(), Ok(2.5));
    assert_eq!(x.get(&[]), Some(2.5));
    assert_eq!(x.transpose(), x);
    assert_eq!(x.reshape([1, 1]).unwrap().item(), Ok(2.5));
}

#[test]
fn what_does_not_fit_is_named() {
    let x = Tensor::<f32>::zeros([2, 3]);
    let says = |error: taper_tensor::Error, text: &str| assert_eq!(error.to_string(), text);
    says(
        x.reshape([4]).unwrap_err(),
        "reshape: [2, 3] has 6 elements, [4] has 4",
    );
    says(
        x.permute(&[0]).unwrap_err(),
        "permute: [0] does not name all 2 axes of [2, 3]",
    );
    says(
        x.permute(&[1, 1]).unwrap_err(),
        "permute: axis 1 is named twice in [1, 1]",
    );
    says(
        x.slice(2, 0..1).unwrap_err(),
        "slice: axis 2 does not exist in [2, 3], which has 2 axes",
    );
    says(
        x.slice(1, 2..4).unwrap_err(),
        "slice: 2..4 is not within axis 1 of [2, 3]",
    );
    says(
        x.broadcast_to(&[3, 3]).unwrap_err(),
        "broadcast_to: [2, 3] cannot be broadcast to [3, 3]",
    );
    says(
        x.expand_dims(3).unwrap_err(),
        "expand_dims: [2, 3] has no place 3 for a new axis",
    );
    says(
        x.squeeze(1).unwrap_err(),
        "squeeze: axis 1 of [2, 3] has length 3, not 1",
    );
    says(
        x.item().unwrap_err(),
        "item: [2, 3] has 6 elements, not one",
    );
    says(
        Tensor::from_vec([2, 2], vec![1.0_f32]).unwrap_err(),
        "from_vec: shape [2, 2] has 4 elements, but there are 1 values",
    );
    says(
        Tensor::<f32>::one_hot(&[0, 5], 3).unwrap_err(),
        "one_hot: label 5 (row 1) is not below 3 classes",
    );
}

#[test]
fn shapes_that_overflow_are_errors() {
    let huge = [1 << 40, 1 << 40];
    assert!(Tensor::<f32>::from_vec(huge, vec![]).is_err());
    assert!(Tensor::<f32>::from_slice([0, usize::MAX, 2], &[]).is_err());
    let x = Tensor::<f32>::zeros([1]);
    assert!(x.reshape([usize::MAX, usize::MAX]).is_err());
    assert!(x.broadcast_to(&huge).is_err());
    assert!(x.pad(&[(usize::MAX, usize::MAX)], 0.0).is_err());
    let wide = x.broadcast_to(&[1 << 40, 1]).unwrap();
    let high = x.broadcast_to(&[1, 1 << 40]).unwrap();
    assert!(wide.add(&high).is_err());
    let most = x.broadcast_to(&[1 << 59, 1]).unwrap();
    assert!(Tensor::concat(&[&most, &most], 0).is_err());
}

#[test]
fn tensors_print_shortly() {
    let x = Tensor::from_fn([2, 3], |i| i as f32);
    assert_eq!(
        format!("{x:?}"),
        "Tensor<f32> [2, 3] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]"
    );
    assert_eq!(
        format!("{:?}", x.transpose()),
        "Tensor<f32> [3, 2] [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]"
    );
    assert_eq!(format!("{x}"), "[[0, 1, 2],\n [3, 4, 5]]");
    assert_eq!(
        format!("{:?}", Tensor::<f64>::zeros([3, 3])),
        "Tensor<f64> [3, 3] [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, …]"
    );
    assert_eq!(format!("{}", Tensor::<f64>::scalar(1.5)), "1.5");
    assert_eq!(format!("{}", Tensor::<f64>::zeros([0])), "[]");
    let cube = Tensor::<f32>::zeros([2, 1, 2]);
    assert_eq!(format!("{cube}"), "[[[0, 0]],\n\n [[0, 0]]]");
    assert!(format!("{}", Tensor::<f32>::zeros([1000, 1000])).len() < 300);
}
