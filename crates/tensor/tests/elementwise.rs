//! Element-wise operations against the obvious loop over indices.

mod common;

use common::{indices, key, shapes, tensor, views};
use proptest::prelude::*;
use taper_tensor::{Tensor, shape};

/// The element of a broadcast operand that meets `index`.
fn met(operand: &Tensor<f64>, index: &[usize]) -> f64 {
    let own = &index[index.len() - operand.rank()..];
    let own: Vec<usize> = own
        .iter()
        .zip(operand.shape())
        .map(|(&i, &axis)| if axis == 1 { 0 } else { i })
        .collect();
    operand.get(&own).unwrap()
}

/// Two shapes that broadcast: one shape, in both copies of which some axes are set to 1 and leading ones left out.
fn pairs() -> impl Strategy<Value = (Tensor<f64>, Tensor<f64>)> {
    let thinned = |shape: &[usize], choice: u32, n| {
        let own: Vec<usize> = shape
            .iter()
            .enumerate()
            .map(|(i, &axis)| if choice >> i & 1 == 1 { 1 } else { axis })
            .collect();
        let strided = choice >> 8 & 1 == 1 && own.len() > 1;
        let left_out = (choice >> 16) as usize % (own.len() + 1);
        let own = if choice >> 9 & 1 == 1 {
            &own[left_out..]
        } else {
            &own[..]
        };
        if strided && own.len() > 1 {
            let mut reversed = own.to_vec();
            let last = reversed.len() - 1;
            reversed.swap(last, last - 1);
            tensor(&reversed, n).transpose()
        } else {
            tensor(own, n)
        }
    };
    (shapes(), any::<u32>(), any::<u32>())
        .prop_map(move |(shape, a, b)| (thinned(&shape, a, 1), thinned(&shape, b, 2)))
}

proptest! {
    #[test]
    fn functions_reach_every_element(view in views()) {
        let result = view.map(|x| 2.0 * x + 1.0);
        prop_assert_eq!(result.shape(), view.shape());
        prop_assert!(result.is_contiguous());
        for index in indices(view.shape()) {
            prop_assert_eq!(result.get(&index), view.get(&index).map(|x| 2.0 * x + 1.0));
        }
    }

    #[test]
    fn pairs_meet_by_numpys_rule((a, b) in pairs()) {
        let shape = shape::broadcast("test", a.shape(), b.shape()).unwrap();
        let result = a.zip("test", &b, |x, y| x - 2.0 * y).unwrap();
        prop_assert_eq!(result.shape(), &shape[..]);
        for index in indices(&shape) {
            prop_assert_eq!(result.get(&index), Some(met(&a, &index) - 2.0 * met(&b, &index)));
        }
        let mut sum = a.clone();
        match sum.add_assign(&b) {
            Ok(()) => prop_assert_eq!(sum, a.add(&b).unwrap()),
            Err(_) => {
                prop_assert!(a.shape() != shape);
                prop_assert_eq!(sum, a);
            }
        }
    }
}

/// Long enough for several chunks, so that rows are cut in the middle.
#[test]
fn large_tensors_are_cut_right() {
    let a = tensor(&[333, 201], 1);
    let bias = tensor(&[201], 2);
    let column = tensor(&[333, 1], 3);
    let sum = a.add(&bias).unwrap();
    let product = a
        .transpose()
        .mul(&column.transpose().contiguous().reshape([333]).unwrap())
        .unwrap();
    let packed = a.transpose().contiguous();
    let mut in_place = a.clone();
    in_place.add_assign(&column).unwrap();
    for index in indices(&[333, 201]) {
        let (i, j) = (index[0], index[1]);
        let value = a.get(&index).unwrap();
        assert_eq!(sum.get(&index), bias.get(&[j]).map(|b| value + b));
        assert_eq!(product.get(&[j, i]), column.get(&[i, 0]).map(|c| value * c));
        assert_eq!(packed.get(&[j, i]), Some(value));
        assert_eq!(in_place.get(&index), column.get(&[i, 0]).map(|c| value + c));
    }
}

#[test]
fn functions_have_their_values() {
    let x = Tensor::from_vec([6], vec![-2.0, -0.5, 0.0, 0.5, 1.0, f64::NAN]).unwrap();
    let check = |result: Tensor<f64>, f: &dyn Fn(f64) -> f64| {
        for (y, x) in result.to_vec().into_iter().zip(x.to_vec()) {
            assert!(
                (y - f(x)).abs() <= 1e-15 || (y.is_nan() && f(x).is_nan()) || y == f(x),
                "{y} at {x}"
            );
        }
    };
    check(x.scale(3.0), &|x| 3.0 * x);
    check(x.shift(3.0), &|x| 3.0 + x);
    check(x.neg(), &|x| -x);
    check(x.exp(), &f64::exp);
    check(x.ln(), &f64::ln);
    check(x.sqrt(), &f64::sqrt);
    check(x.square(), &|x| x * x);
    check(x.recip(), &f64::recip);
    check(x.abs(), &f64::abs);
    check(x.powf(3.0), &|x| x.powi(3));
    check(x.relu(), &|x| if x.is_nan() { x } else { x.max(0.0) });
    check(x.sigmoid(), &|x| 1.0 / (1.0 + (-x).exp()));
    check(x.tanh(), &f64::tanh);
    check(x.clip(-0.5, 0.75), &|x| {
        if x.is_nan() { x } else { x.clamp(-0.5, 0.75) }
    });
    let extreme = Tensor::from_vec([2], vec![-1e4_f32, 1e4]).unwrap();
    assert_eq!(extreme.sigmoid().to_vec(), [0.0, 1.0]);
}

#[test]
fn nan_passes_through_maximum_and_minimum() {
    let a = Tensor::from_vec([4], vec![1.0, 2.0, f64::NAN, 1.0]).unwrap();
    let b = Tensor::from_vec([4], vec![2.0, 1.0, 1.0, f64::NAN]).unwrap();
    let (greater, lesser) = (
        a.maximum(&b).unwrap().to_vec(),
        a.minimum(&b).unwrap().to_vec(),
    );
    assert_eq!(
        (&greater[..2], &lesser[..2]),
        (&[2.0, 2.0][..], &[1.0, 1.0][..])
    );
    assert!(greater[2..].iter().chain(&lesser[2..]).all(|x| x.is_nan()));
}

#[test]
fn closeness_is_not_passed_by_nan() {
    let a = Tensor::from_vec([2], vec![1.0, f64::INFINITY]).unwrap();
    let nan = Tensor::from_vec([2], vec![1.0, f64::NAN]).unwrap();
    assert_eq!(a.all_close(&a, 0.0, 0.0), Ok(true));
    assert_eq!(a.all_close(&nan, 1.0, f64::INFINITY), Ok(false));
    assert_eq!(nan.all_close(&nan, 1.0, 1.0), Ok(false));
    assert_eq!(a.all_close(&a.neg(), 1.0, 1e300), Ok(false));
    assert!(nan.max_abs_difference(&nan).unwrap().is_nan());
    assert_eq!(a.max_abs_difference(&a), Ok(0.0));
    assert_ne!(nan, nan);
    assert!(a.all_close(&Tensor::zeros([3]), 0.0, 0.0).is_err());
}

#[test]
fn casts_round_to_nearest() {
    let x = Tensor::from_vec([2, 2], vec![0.1_f64, 1.0 / 3.0, 1e300, -2.0]).unwrap();
    assert_eq!(
        x.transpose().cast::<f32>().to_vec(),
        [0.1_f32, f32::INFINITY, 1.0 / 3.0, -2.0]
    );
    assert_eq!(x.cast::<f64>(), x);
}

#[test]
fn random_tensors_follow_their_key() {
    let key = key(9);
    let x = Tensor::<f64>::uniform([3, 7], -2.0, 3.0, key);
    let expected: Vec<f64> = (0..21).map(|p| -2.0 + 5.0 * key.uniform(p)).collect();
    assert_eq!(x.to_vec(), expected);
    assert_eq!(
        Tensor::<f64>::normal([2], 1.0, 2.0, key).to_vec(),
        [1.0 + 2.0 * key.normal(0), 1.0 + 2.0 * key.normal(1)]
    );
    let truncated = Tensor::<f32>::truncated_normal([1000], 1.0, 0.5, key);
    assert!(truncated.to_vec().iter().all(|x| (0.0..=2.0).contains(x)));
}
