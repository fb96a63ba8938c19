//! Normalization of rows in f32 against the plain f64 reference, on every instruction set of the machine and to the same bits.

mod common;

use taper_tensor::ops::RowNormalization;
use taper_tensor::{Seed, Stream, Tensor};

#[test]
fn every_instruction_set() {
    common::on_every_instruction_set();
}

fn values(shape: &[usize], stream: u32) -> Tensor<f32> {
    Tensor::normal(shape, 0.0, 1.0, Seed(5).key(Stream::User(stream), 0))
}

/// Largest difference, relative to the largest value and at least to `size`.
fn assert_close(what: &str, found: &Tensor<f32>, expected: &Tensor<f64>, size: f64) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let size = expected.to_vec().iter().fold(size, |m, x| m.max(x.abs()));
    for (i, (found, expected)) in found.to_vec().iter().zip(expected.to_vec()).enumerate() {
        let error = (f64::from(*found) - expected).abs() / size;
        assert!(
            error <= 2e-6,
            "{what}[{i}]: {found}, not {expected}: error {error:e}"
        );
    }
}

/// Rows of one value, narrower than the lanes, of odd widths, wider than a run and than a task; several tasks.
const SHAPES: [&[usize]; 9] = [
    &[7],
    &[5, 1],
    &[64, 128],
    &[3, 9, 11, 17],
    &[30_001, 3],
    &[999, 45],
    &[700, 127],
    &[50, 5000],
    &[3, 40_000],
];

fn settings(width: usize) -> Vec<RowNormalization> {
    let part = |n| values(&[width], n);
    let choices = [(true, true), (false, true), (true, false), (false, false)];
    let choices = choices
        .into_iter()
        .flat_map(|pair| [true, false].map(|c| (pair, c)));
    choices
        .map(|((gamma, beta), centered)| RowNormalization {
            gamma: gamma.then(|| part(3)),
            beta: beta.then(|| part(4)),
            epsilon: 1e-3,
            centered,
        })
        .collect()
}

fn in_f64(norm: &RowNormalization) -> RowNormalization<f64> {
    RowNormalization {
        gamma: norm.gamma.as_ref().map(Tensor::cast),
        beta: norm.beta.as_ref().map(Tensor::cast),
        epsilon: norm.epsilon,
        centered: norm.centered,
    }
}

#[test]
fn values_and_gradients() {
    for shape in SHAPES {
        for norm in settings(shape[shape.len() - 1]) {
            // A mean that is not 0.
            let (x, dy) = (values(shape, 0).shift(0.75), values(shape, 9));
            let (x_64, norm_64) = (x.cast::<f64>(), in_f64(&norm));
            let what = format!("{shape:?} {:?}", norm.centered);
            let found = x.row_normalization(&norm).unwrap();
            let expected = x_64.row_normalization(&norm_64).unwrap();
            assert_close(&what, &found.output, &expected.output, 1.0);
            assert_close(&what, &found.statistics, &expected.statistics, 1.0);
            let back = dy.row_normalization_gradients(&x, &norm, &found.statistics);
            let back = back.unwrap();
            let dy_64 = dy.cast::<f64>();
            let wanted = dy_64.row_normalization_gradients(&x_64, &norm_64, &expected.statistics);
            let wanted = wanted.unwrap();
            // Sums of random gradients nearly cancel: measured by what a random walk of as many steps reaches.
            let walk = 3.0 * ((dy.len() / width(shape)) as f64).sqrt();
            assert_close(&format!("input {what}"), &back.input, &wanted.input, 1.0);
            assert_close(&format!("gamma {what}"), &back.gamma, &wanted.gamma, walk);
            assert_close(&format!("beta {what}"), &back.beta, &wanted.beta, walk);
        }
    }
}

fn width(shape: &[usize]) -> usize {
    shape[shape.len() - 1]
}

/// FNV-1a of the bits.
fn digest(tensors: &[&Tensor<f32>]) -> u64 {
    let bits = tensors.iter().flat_map(|t| t.to_vec()).map(f32::to_bits);
    bits.fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What they were when this test was written.
const KNOWN: [u64; 6] = [
    0x4afb_ef43_2513_ae16,
    0x6fa6_09e1_627b_9392,
    0x7324_442d_6ce9_1cc2,
    0x7e05_1453_4f48_b9ad,
    0xe02c_496b_6887_2b98,
    0x1aab_c499_0521_b0f2,
];

/// On every instruction set the same numbers stand here; nor does it depend on how many threads there are.
#[test]
fn the_bits_are_the_same_everywhere() {
    let run = || {
        let mut digests = Vec::new();
        for shape in [&[701, 127][..], &[40, 3000], &[9000, 5]] {
            for norm in &settings(shape[1])[..2] {
                let (x, dy) = (values(shape, 0), values(shape, 9));
                let y = x.row_normalization(norm).unwrap();
                let back = dy.row_normalization_gradients(&x, norm, &y.statistics);
                let back = back.unwrap();
                digests.push(digest(&[
                    &y.output,
                    &y.statistics,
                    &back.input,
                    &back.gamma,
                    &back.beta,
                ]));
            }
        }
        digests
    };
    let known = run();
    assert_eq!(known, KNOWN);
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        assert_eq!(pool.unwrap().install(run), known, "{threads} threads");
    }
}

#[test]
fn nan_is_not_swallowed_and_nothing_is_normalized_to_nothing() {
    for norm in settings(3) {
        let x = Tensor::full([5, 3], f32::NAN);
        let y = x.row_normalization(&norm).unwrap().output;
        assert!(y.to_vec().iter().all(|y| y.is_nan()), "{y:?}");
    }
    for shape in [[0, 3], [3, 0]] {
        let norm = &settings(shape[1])[7];
        let x = Tensor::<f32>::zeros(shape);
        let y = x.row_normalization(norm).unwrap();
        assert_eq!(y.output.shape(), shape);
        let back = x.row_normalization_gradients(&x, norm, &y.statistics);
        assert_eq!(back.unwrap().input.shape(), shape);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = values(&[4, 3], 0);
    let mut norm = settings(3).remove(0);
    assert!(values(&[], 0).row_normalization(&norm).is_err());
    let other = values(&[4, 2], 0).row_normalization_gradients(&x, &norm, &values(&[4, 2], 1));
    assert!(other.is_err());
    norm.gamma = Some(values(&[4], 1));
    let error = x.row_normalization(&norm).unwrap_err().to_string();
    assert!(error.contains("gamma"), "{error}");
}
