//! Batch normalization in f32 against the plain f64 reference, on every instruction set of the machine.

mod common;

use taper_tensor::ops::{BatchNorm, BatchNormGradients};
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

/// Odd widths, one channel, one row, wider than a wide row, several pieces and a partial last one.
const SHAPES: [&[usize]; 11] = [
    &[7],
    &[1, 5],
    &[64, 128],
    &[3, 9, 11, 17],
    &[2, 32, 32, 32],
    &[40_000, 1],
    &[30_001, 3],
    &[999, 45],
    &[700, 127],
    &[50, 1000],
    &[3, 40_000],
];

/// With and without γ, β and relu; statistics that are not the batch's own.
fn settings(shape: &[usize]) -> Vec<BatchNorm> {
    let channels = shape[shape.len() - 1];
    let part = |n| values(&[channels], n);
    [(true, true), (false, true), (true, false), (false, false)]
        .into_iter()
        .flat_map(|(gamma, beta)| [true, false].map(|relu| (gamma, beta, relu)))
        .map(|(gamma, beta, relu)| BatchNorm {
            mean: part(1),
            variance: part(2).square().shift(0.5),
            gamma: gamma.then(|| part(3)),
            beta: beta.then(|| part(4)),
            epsilon: 1e-3,
            relu,
        })
        .collect()
}

fn in_f64(norm: &BatchNorm) -> BatchNorm<f64> {
    BatchNorm {
        mean: norm.mean.cast(),
        variance: norm.variance.cast(),
        gamma: norm.gamma.as_ref().map(Tensor::cast),
        beta: norm.beta.as_ref().map(Tensor::cast),
        epsilon: norm.epsilon,
        relu: norm.relu,
    }
}

/// Values whose map stays away from the bend of the relu, where a rounding error would turn the gradient around.
fn away_from_the_bend(x: &Tensor<f32>, norm: &BatchNorm) -> Tensor<f32> {
    let mut linear = in_f64(norm);
    linear.relu = false;
    let y = x
        .cast::<f64>()
        .batch_normalization(&linear)
        .unwrap()
        .to_vec();
    let x = x.to_vec();
    let moved = |i: usize| if y[i].abs() < 1e-3 { x[i] + 0.5 } else { x[i] };
    Tensor::from_fn([x.len()], moved)
}

#[test]
fn moments() {
    for shape in SHAPES {
        let x = values(shape, 0).map(|x| 1.5 * x + 3.0);
        let (mean, variance) = x.channel_moments();
        let (mean_64, variance_64) = x.cast::<f64>().channel_moments();
        assert_close(&format!("mean {shape:?}"), &mean, &mean_64, 1e-3);
        assert_close(
            &format!("variance {shape:?}"),
            &variance,
            &variance_64,
            1e-3,
        );
    }
}

/// Σx² − (Σx)² would have no digit left here. The values are exact in f32, and so is the distance between them.
#[test]
fn a_mean_far_from_zero_costs_the_variance_nothing() {
    let x = Tensor::from_fn([50_000, 2], |i| 30_000.0 + ((i / 2) % 7) as f32);
    let (mean, variance) = x.channel_moments();
    let (mean_64, variance_64) = x.cast::<f64>().channel_moments();
    for c in 0..2 {
        let error = (f64::from(mean.to_vec()[c]) - mean_64.to_vec()[c]).abs();
        assert!(
            error <= 2e-3,
            "half the distance of numbers near 30,000: {error:e}"
        );
    }
    assert_close("variance", &variance, &variance_64, 1e-3);
}

#[test]
fn the_map_and_its_gradients() {
    for shape in SHAPES {
        for norm in settings(shape) {
            let x = away_from_the_bend(&values(shape, 0), &norm);
            let x = x.reshape(shape).unwrap();
            let (norm_64, x_64, dy) = (in_f64(&norm), x.cast::<f64>(), values(shape, 9));
            let what = format!(
                "{shape:?} {:?} {:?} {}",
                norm.gamma.is_some(),
                norm.beta.is_some(),
                norm.relu
            );
            let y = x.batch_normalization(&norm).unwrap();
            assert_close(
                &what,
                &y,
                &x_64.batch_normalization(&norm_64).unwrap(),
                1e-3,
            );
            for of_batch in [true, false] {
                let found = dy
                    .batch_normalization_gradients(&x, &norm, of_batch, true)
                    .unwrap();
                let expected = dy
                    .cast::<f64>()
                    .batch_normalization_gradients(&x_64, &norm_64, of_batch, true)
                    .unwrap();
                assert_same(
                    &what,
                    &found,
                    &expected,
                    (dy.len() / norm.mean.len()) as f64,
                );
            }
        }
    }
}

/// Sums of random gradients nearly cancel: their error is measured by what a random walk of as many steps reaches.
fn assert_same(
    what: &str,
    found: &BatchNormGradients,
    expected: &BatchNormGradients<f64>,
    rows: f64,
) {
    assert_close(
        &format!("gamma {what}"),
        &found.gamma,
        &expected.gamma,
        3.0 * rows.sqrt(),
    );
    assert_close(
        &format!("beta {what}"),
        &found.beta,
        &expected.beta,
        3.0 * rows.sqrt(),
    );
    let (found, expected) = (
        found.input.as_ref().unwrap(),
        expected.input.as_ref().unwrap(),
    );
    assert_close(&format!("input {what}"), found, expected, 1e-3);
}

#[test]
fn nan_is_not_swallowed() {
    for mut norm in settings(&[3]) {
        let x = Tensor::full([5, 3], f32::NAN);
        (norm.mean, norm.variance) = x.channel_moments();
        let y = x.batch_normalization(&norm).unwrap();
        for t in [&norm.mean, &norm.variance, &y] {
            assert!(t.to_vec().iter().all(|x| x.is_nan()), "{t:?}");
        }
    }
}

#[test]
fn nothing_at_all_and_no_channels() {
    for shape in [[0, 3], [3, 0]] {
        let x = Tensor::<f32>::zeros(shape);
        let (mean, variance) = x.channel_moments();
        assert_eq!(mean.to_vec(), vec![0.0; shape[1]]);
        let norm = BatchNorm {
            mean,
            variance,
            gamma: None,
            beta: None,
            epsilon: 1e-3,
            relu: true,
        };
        let y = x.batch_normalization(&norm).unwrap();
        let gradients = y
            .batch_normalization_gradients(&x, &norm, true, true)
            .unwrap();
        assert_eq!(gradients.input.unwrap().shape(), shape);
        assert_eq!(gradients.gamma.to_vec(), vec![0.0; shape[1]]);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let norm = &settings(&[3])[0];
    let message = values(&[2, 4], 0)
        .batch_normalization(norm)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the mean must be [4], it is [3]"),
        "{message}"
    );
    assert!(Tensor::<f32>::zeros([]).batch_normalization(norm).is_err());
    let dy = values(&[2, 3], 0);
    let message = dy.batch_normalization_gradients(&values(&[3, 3], 0), norm, true, true);
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("[2, 3]") && message.contains("[3, 3]"),
        "{message}"
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let bits = || {
        let (x, dy) = (values(&[9001, 45], 0), values(&[9001, 45], 1));
        let mut norm = settings(&[45])[0].clone();
        (norm.mean, norm.variance) = x.channel_moments();
        let back = dy
            .batch_normalization_gradients(&x, &norm, true, true)
            .unwrap();
        let y = x.batch_normalization(&norm).unwrap();
        [
            norm.mean,
            norm.variance,
            y,
            back.input.unwrap(),
            back.gamma,
            back.beta,
        ]
        .iter()
        .flat_map(Tensor::to_vec)
        .map(f32::to_bits)
        .collect::<Vec<_>>()
    };
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let one = pool(1).install(bits);
    for threads in [2, 3, 5] {
        assert!(
            one == pool(threads).install(bits),
            "{threads} threads differ from one"
        );
    }
}
