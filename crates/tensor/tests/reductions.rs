//! Reductions against the obvious loop over indices, and their behaviour at the edges: nothing, infinity, NaN.

mod common;

use common::{indices, key, tensor, views};
use proptest::prelude::*;
use taper_tensor::Tensor;

/// For every index of the result (reduced axes kept with length 1), the values that go into it.
fn groups(x: &Tensor<f64>, axes: &[usize]) -> (Vec<usize>, Vec<Vec<f64>>) {
    let kept = |index: &[usize]| -> Vec<usize> {
        index
            .iter()
            .enumerate()
            .map(|(axis, &i)| if axes.contains(&axis) { 0 } else { i })
            .collect()
    };
    let shape: Vec<usize> = x
        .shape()
        .iter()
        .enumerate()
        .map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n })
        .collect();
    let slots = indices(&shape);
    let mut groups = vec![Vec::new(); slots.len()];
    for index in indices(x.shape()) {
        let slot = slots.iter().position(|slot| *slot == kept(&index)).unwrap();
        groups[slot].push(x.get(&index).unwrap());
    }
    (shape, groups)
}

fn close(result: &Tensor<f64>, shape: &[usize], expected: Vec<f64>) {
    assert_eq!(result.shape(), shape);
    let expected = Tensor::from_vec(shape, expected).unwrap();
    assert!(
        result.all_close(&expected, 1e-13, 1e-13).unwrap(),
        "{result:?} {expected:?}"
    );
}

fn axes_of(x: &Tensor<f64>, choice: u8) -> Vec<usize> {
    (0..x.rank())
        .filter(|axis| choice >> axis & 1 == 1)
        .collect()
}

proptest! {
    #[test]
    fn reductions_take_in_what_they_should(x in views(), choice in 0..16u8) {
        let axes = axes_of(&x, choice);
        let (shape, groups) = groups(&x, &axes);
        let sum = x.sum_axes(&axes, true).unwrap();
        close(&sum, &shape, groups.iter().map(|g| g.iter().sum()).collect());
        let squeezed: Vec<usize> = (0..x.rank()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
        prop_assert_eq!(x.sum_axes(&axes, false).unwrap(), sum.reshape(squeezed).unwrap());
        if axes.iter().all(|&axis| x.shape()[axis] > 0) {
            let mean = groups.iter().map(|g| g.iter().sum::<f64>() / g.len() as f64).collect();
            close(&x.mean_axes(&axes, true).unwrap(), &shape, mean);
            let max = groups.iter().map(|g| g.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
            close(&x.max_axes(&axes, true).unwrap(), &shape, max);
            let min = groups.iter().map(|g| g.iter().copied().fold(f64::INFINITY, f64::min)).collect();
            close(&x.min_axes(&axes, true).unwrap(), &shape, min);
        } else {
            prop_assert!(x.max_axes(&axes, true).is_err());
            prop_assert!(x.mean_axes(&axes, true).unwrap().to_vec().iter().all(|mean| mean.is_nan()));
        }
        close(&x.sum(), &[], vec![x.to_vec().iter().sum()]);
    }

    #[test]
    fn sum_to_undoes_broadcasting(x in views(), choice in 0..16u8, left_out in 0..5usize) {
        let (mut shape, groups) = groups(&x, &axes_of(&x, choice));
        let leading_ones = shape.iter().take_while(|&&axis| axis == 1).count();
        shape.drain(..left_out.min(leading_ones));
        close(&x.sum_to(&shape).unwrap(), &shape, groups.iter().map(|g| g.iter().sum()).collect());
    }

    #[test]
    fn rows_along_any_axis(x in views(), axis in 0..4usize) {
        prop_assume!(axis < x.rank() && x.shape()[axis] > 0);
        let (shape, groups) = groups(&x, &[axis]);
        let log_sums: Vec<f64> = groups.iter().map(|g| g.iter().map(|x| x.exp()).sum::<f64>().ln()).collect();
        close(&x.log_sum_exp(axis, true).unwrap(), &shape, log_sums.clone());
        let log_sums = Tensor::from_vec(shape, log_sums).unwrap();
        let expected = x.sub(&log_sums).unwrap();
        close(&x.log_softmax(axis).unwrap(), x.shape(), expected.to_vec());
        close(&x.softmax(axis).unwrap(), x.shape(), expected.exp().to_vec());
        let greatest: Vec<usize> = groups
            .iter()
            .map(|g| g.iter().position(|x| *x == g.iter().copied().fold(f64::NEG_INFINITY, f64::max)).unwrap())
            .collect();
        prop_assert_eq!(x.argmax(axis).unwrap(), greatest);
    }
}

/// Shapes on all paths: blocks, lanes, trees of rows, tiles of columns, and groups of axes.
#[test]
fn large_sums() {
    for (shape, axes) in [
        (vec![100_003], vec![0]),
        (vec![3, 5000], vec![1]),
        (vec![5000, 7], vec![0]),
        (vec![300, 2500], vec![0]),
        (vec![3, 200, 40], vec![1]),
        (vec![20, 30, 40, 7], vec![0, 2]),
        (vec![20, 30, 40, 7], vec![1, 3]),
        (vec![20, 30, 40, 7], vec![0, 1, 2]),
    ] {
        let x = tensor(&shape, 4);
        let sum = x.sum_axes(&axes, true).unwrap();
        let mut expected = Tensor::<f64>::zeros(sum.shape());
        let strides = expected.strides().to_vec();
        let values = expected.as_mut_slice();
        for (mut position, value) in x.to_vec().into_iter().enumerate() {
            let mut slot = 0;
            for axis in (0..shape.len()).rev() {
                if !axes.contains(&axis) {
                    slot += position % shape[axis] * strides[axis] as usize;
                }
                position /= shape[axis];
            }
            values[slot] += value;
        }
        assert!(
            sum.all_close(&expected, 1e-12, 1e-10).unwrap(),
            "{shape:?} {axes:?}"
        );
    }
}

#[test]
fn sums_in_single_precision_are_accurate() {
    let n = 10_000_000;
    let x = Tensor::full([n], 0.1_f32);
    let exact = f64::from(0.1_f32) * n as f64;
    let error = |sum: f32| (f64::from(sum) - exact).abs() / exact;
    let sum = error(x.sum().item().unwrap());
    assert!(sum <= 2e-6, "{sum}");
    let columns = x
        .reshape([n / 4, 4])
        .unwrap()
        .sum_axes(&[0], false)
        .unwrap();
    let sum = error(columns.sum().item().unwrap());
    assert!(sum <= 2e-6, "{sum}");
}

#[test]
fn bits_do_not_depend_on_threads() {
    let compute = || {
        let x = Tensor::<f32>::normal([129, 70, 33], 0.0, 1.0, key(1));
        let all = [
            x.sum(),
            x.mean(),
            x.sum_axes(&[0, 1], false).unwrap(),
            x.sum_axes(&[0], false).unwrap(),
            x.sum_axes(&[1], false).unwrap(),
            x.sum_axes(&[2], false).unwrap(),
            x.reshape([129, 70 * 33])
                .unwrap()
                .sum_axes(&[1], false)
                .unwrap(),
            x.transpose().sum_axes(&[0, 2], false).unwrap(),
            x.softmax(1).unwrap(),
            x.log_softmax(2).unwrap(),
            x.log_sum_exp(0, false).unwrap(),
            x.sigmoid().add(&x.slice(0, 0..1).unwrap()).unwrap(),
            Tensor::truncated_normal([100_000], 0.0, 1.0, key(2)),
        ];
        all.iter()
            .flat_map(Tensor::to_vec)
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(compute)
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert_eq!(one, with(8));
}

#[test]
fn a_view_sums_as_its_copy_does() {
    let x = Tensor::<f32>::normal([300, 500], 0.0, 1.0, key(3)).transpose();
    assert_eq!(x.sum(), x.contiguous().sum());
    assert_eq!(
        x.sum_axes(&[0], false).unwrap(),
        x.contiguous().sum_axes(&[0], false).unwrap()
    );
}

#[test]
fn softmax_at_the_edges() {
    const INF: f64 = f64::INFINITY;
    let cases = [
        (
            vec![1000.0, 1000.0, -INF],
            vec![0.5, 0.5, 0.0],
            1000.0 + 2f64.ln(),
        ),
        (vec![-INF, -INF, -INF], vec![1.0 / 3.0; 3], -INF),
        (vec![INF, 0.0, INF], vec![0.5, 0.0, 0.5], INF),
        (vec![-1e300, 0.0, -1e300], vec![0.0, 1.0, 0.0], 0.0),
    ];
    for (row, probabilities, log_sum) in cases {
        let x = Tensor::from_vec([3], row).unwrap();
        let expected = Tensor::from_vec([3], probabilities).unwrap();
        assert!(
            x.softmax(0)
                .unwrap()
                .all_close(&expected, 1e-12, 0.0)
                .unwrap(),
            "{x:?}"
        );
        assert!(
            x.log_softmax(0)
                .unwrap()
                .exp()
                .all_close(&expected, 1e-12, 0.0)
                .unwrap(),
            "{x:?}"
        );
        assert!(
            x.log_sum_exp(0, false)
                .unwrap()
                .all_close(&Tensor::scalar(log_sum), 1e-12, 0.0)
                .unwrap(),
            "{x:?}"
        );
    }
    let nan = Tensor::from_vec([2, 2], vec![f64::NAN, 1.0, 0.0, 0.0]).unwrap();
    let rows = nan.softmax(1).unwrap().to_vec();
    assert!(rows[0].is_nan() && rows[1].is_nan());
    assert_eq!(rows[2..], [0.5, 0.5]);
    let nothing = Tensor::<f64>::zeros([2, 0]);
    assert_eq!(nothing.softmax(1).unwrap().shape(), [2, 0]);
    assert_eq!(
        nothing.log_sum_exp(1, false).unwrap().to_vec(),
        [-INF, -INF]
    );
    assert_eq!(nothing.log_sum_exp(0, true).unwrap().shape(), [1, 0]);
}

#[test]
fn argmax_of_ties_and_nan() {
    let x = Tensor::from_vec(
        [3, 3],
        vec![1.0, 2.0, 2.0, f64::NAN, 9.0, f64::NAN, 5.0, f64::NAN, 6.0],
    )
    .unwrap();
    assert_eq!(x.argmax(1).unwrap(), [1, 0, 1]);
    assert_eq!(x.argmax(0).unwrap(), [1, 2, 1]);
}

#[test]
fn reductions_of_nothing() {
    let x = Tensor::<f32>::zeros([0, 3]);
    assert_eq!(x.sum().item(), Ok(0.0));
    assert!(x.mean().item().unwrap().is_nan());
    assert_eq!(x.sum_axes(&[0], false).unwrap().to_vec(), [0.0; 3]);
    assert_eq!(x.sum_axes(&[1], false).unwrap().shape(), [0]);
    assert!(x.argmax(0).is_err());
    assert_eq!(x.argmax(1).unwrap(), Vec::<usize>::new());
}

#[test]
fn what_does_not_fit_is_named() {
    let x = Tensor::<f32>::zeros([2, 3]);
    let says = |error: taper_tensor::Error, text: &str| assert_eq!(error.to_string(), text);
    says(
        x.sum_axes(&[2], false).unwrap_err(),
        "sum_axes: axis 2 does not exist in [2, 3], which has 2 axes",
    );
    says(
        x.sum_axes(&[0, 0], false).unwrap_err(),
        "sum_axes: axis 0 is named twice in [0, 0]",
    );
    says(
        x.sum_to(&[4]).unwrap_err(),
        "sum_to: [4] does not broadcast to [2, 3]",
    );
    says(
        x.sum_to(&[1, 2, 3]).unwrap_err(),
        "sum_to: [1, 2, 3] does not broadcast to [2, 3]",
    );
    says(
        x.softmax(5).unwrap_err(),
        "softmax: axis 5 does not exist in [2, 3], which has 2 axes",
    );
    says(
        Tensor::<f32>::zeros([2, 0])
            .max_axes(&[1], false)
            .unwrap_err(),
        "max_axes: axis 1 of [2, 0] has no elements",
    );
}
