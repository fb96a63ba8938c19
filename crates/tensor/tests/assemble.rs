//! Concatenation, padding and rows by index, against the obvious loop over indices.

mod common;

use common::{indices, shapes, tensor, views};
use proptest::prelude::*;
use taper_tensor::Tensor;

proptest! {
    #[test]
    fn slices_join_to_the_whole(x in views(), axis in 0..4usize, cut in 0..6usize) {
        prop_assume!(axis < x.rank());
        let length = x.shape()[axis];
        let cut = cut.min(length);
        let (left, right) = (x.slice(axis, 0..cut).unwrap(), x.slice(axis, cut..length).unwrap());
        prop_assert_eq!(Tensor::concat(&[&left, &right], axis).unwrap(), x.clone());
        prop_assert_eq!(Tensor::concat(&[&x], axis).unwrap(), x);
    }

    #[test]
    fn padding_surrounds(x in views(), widths in prop::collection::vec((0..3usize, 0..3usize), 4)) {
        let widths = &widths[..x.rank()];
        let padded = x.pad(widths, 7.0).unwrap();
        for index in indices(padded.shape()) {
            let inner: Option<Vec<usize>> = index.iter().zip(widths).map(|(&i, &(before, _))| i.checked_sub(before)).collect();
            prop_assert_eq!(padded.get(&index), Some(inner.and_then(|i| x.get(&i)).unwrap_or(7.0)));
        }
    }

    #[test]
    fn rows_are_gathered_and_scattered(tail in shapes(), rows in prop::collection::vec(0..5usize, 0..9)) {
        prop_assume!(tail.len() < 3);
        let table = tensor(&[&[5], &tail[..]].concat(), 1);
        let gathered = table.gather(&rows).unwrap();
        prop_assert_eq!(gathered.shape(), [&[rows.len()], &tail[..]].concat());
        for index in indices(gathered.shape()) {
            let source = [&[rows[index[0]]], &index[1..]].concat();
            prop_assert_eq!(gathered.get(&index), table.get(&source));
        }
        let scattered = gathered.scatter_add(&rows, 5).unwrap();
        for index in indices(scattered.shape()) {
            let times = rows.iter().filter(|&&row| row == index[0]).count() as f64;
            let expected = times * table.get(&index).unwrap();
            prop_assert!((scattered.get(&index).unwrap() - expected).abs() <= 1e-12);
        }
    }
}

#[test]
fn one_hot_rows_have_one_one() {
    let x = Tensor::<f32>::one_hot(&[2, 0], 3).unwrap();
    assert_eq!(x.shape(), [2, 3]);
    assert_eq!(x.to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(Tensor::<f32>::one_hot(&[], 3).unwrap().shape(), [0, 3]);
    assert!(Tensor::<f32>::one_hot(&[0], 0).is_err());
}

#[test]
fn what_does_not_fit_is_named() {
    let x = Tensor::<f32>::zeros([2, 3]);
    let says = |error: taper_tensor::Error, text: &str| assert_eq!(error.to_string(), text);
    says(
        Tensor::<f32>::concat(&[], 0).unwrap_err(),
        "concat: there are no tensors to join",
    );
    says(
        Tensor::concat(&[&x, &Tensor::zeros([2, 4])], 0).unwrap_err(),
        "concat: [2, 3] and [2, 4] differ on another axis than 0",
    );
    assert!(Tensor::concat(&[&x, &Tensor::zeros([2])], 0).is_err());
    assert!(Tensor::concat(&[&Tensor::scalar(1.0)], 0).is_err());
    says(
        x.pad(&[(1, 1)], 0.0).unwrap_err(),
        "pad: [2, 3] has 2 axes, but 1 pairs are given",
    );
    says(
        x.gather(&[0, 2]).unwrap_err(),
        "gather: row 2 does not exist: there are 2",
    );
    says(
        x.scatter_add(&[0], 2).unwrap_err(),
        "scatter_add: [2, 3] has 2 rows, but 1 indices are given",
    );
    says(
        x.scatter_add(&[0, 2], 2).unwrap_err(),
        "scatter_add: row 2 does not exist: there are 2",
    );
    assert!(Tensor::<f32>::scalar(0.0).gather(&[]).is_err());
}
