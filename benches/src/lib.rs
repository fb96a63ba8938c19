//! What the criterion groups in `benches/` share: values to work on, and the notebook's network.
//!
//! `cargo xtask bench` runs all groups, `cargo xtask bench convolution` one of them. Rates are in
//! multiplications and additions (`elem/s` ÷ 10⁹ = GFLOP/s) unless a group says otherwise.
#![forbid(unsafe_code)]

use criterion::Criterion;
use std::time::Duration;
use taper_nn::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
use taper_nn::{L2, Model, Relu, Result, Seed, Sequential, Softmax};
use taper_tensor::{Stream, Tensor};

/// Settings of all groups: short enough that `cargo xtask bench` takes minutes, not an hour.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

/// Values between −1 and 1, the same in every run.
pub fn values(shape: &[usize]) -> Tensor {
    Tensor::uniform(shape, -1.0, 1.0, Seed(1).key(Stream::User(0), 0))
}

/// One-hot targets of ten classes.
///
/// # Errors
/// None: the classes are below ten.
pub fn targets(count: usize) -> Result<Tensor> {
    let labels: Vec<usize> = (0..count).map(|n| n * 7 % 10).collect();
    Ok(Tensor::one_hot(&labels, 10)?)
}

/// The notebook's network without regularization.
///
/// # Errors
/// None: the shapes fit.
pub fn baseline() -> Result<Model> {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(32, 3).activation(Relu))
        .add(Conv2D::new(64, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .build(Seed(7))
}

/// The notebook's network with L2 and dropout of one half.
///
/// # Errors
/// None: the shapes fit.
pub fn regularized() -> Result<Model> {
    let l2 = L2(0.01);
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(32, 3).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(Conv2D::new(64, 3).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(Dense::new(128).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Softmax))
        .build(Seed(7))
}

/// The program in the project's README, compiled by the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
