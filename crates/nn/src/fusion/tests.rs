//! Every pattern equals its unfused layers: forward and gradients, over random shapes, rates and settings.

use super::*;
use crate::{MeanSquaredError, Seed, Sequential};
use taper_tensor::{Stream, Tensor};

#[test]
fn no_file_is_missing_from_the_table() {
    let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
    crate::testing::assert_complete("fusion", &rows);
}

#[test]
fn patterns_equal_their_layers_in_f64() {
    compare_all::<f64>(1e-9, 60);
}

#[test]
fn patterns_equal_their_layers_in_f32() {
    compare_all::<f32>(1e-4, 60);
}

fn compare_all<E: Element>(tolerance: f64, cases: u64) {
    for row in all::<E>() {
        for case in 0..cases {
            compare(&row, case, tolerance);
        }
    }
}

/// A layer in front, so that the gradient of the pattern's input shows in that layer's weights.
fn build<E: Element>(sample: Sample<E>, fuse: bool) -> crate::Model<E> {
    let Sample { layers, input } = sample;
    let in_front =
        crate::layers::Dense::new(*input.last().unwrap()).activation(ActivationKind::Tanh);
    let mut model = Sequential::<E>::of(input).add(in_front).fuse(fuse);
    for layer in layers {
        model = model.add_boxed(layer);
    }
    model.build(Seed(17)).unwrap()
}

fn compare<E: Element>(row: &Row<E>, case: u64, tolerance: f64) {
    let sample = || (row.sample)(&mut Sampler::new(23, case));
    let (mut fused, mut plain) = (build(sample(), true), build(sample(), false));
    let covered = sample().layers.len();
    let what = format!("{} case {case}: {:?}", row.name, sample().layers);
    assert!(
        plain.stages().iter().all(|(name, _)| name.is_none()),
        "{what}"
    );
    let stages = fused.stages();
    assert_eq!(
        (stages[1].0, stages[1].1.len()),
        (Some(row.name), covered),
        "{what}"
    );

    let key = |number| Seed(case).key(Stream::User(number), 0);
    let x = Tensor::normal([&[3], fused.input_shape()].concat(), 0.0, 1.0, key(0));
    let y = Tensor::normal([&[3], fused.output_shape()].concat(), 0.0, 1.0, key(1));
    let close = |a: &Tensor<E>, b: &Tensor<E>, of: &str| {
        assert_eq!(a.shape(), b.shape(), "{of} of {what}");
        let difference = a.max_abs_difference(b).unwrap();
        assert!(difference <= tolerance, "{of} of {what}: {difference}");
    };
    close(
        &fused.predict(&x).unwrap(),
        &plain.predict(&x).unwrap(),
        "inference",
    );
    let a = fused
        .train_batch(&x, &y, &MeanSquaredError, Seed(case), 5)
        .unwrap();
    let b = plain
        .train_batch(&x, &y, &MeanSquaredError, Seed(case), 5)
        .unwrap();
    close(a.output(), b.output(), "output");
    assert!(
        (a.loss - b.loss).abs() <= tolerance,
        "loss of {what}: {} and {}",
        a.loss,
        b.loss
    );
    for ((a, b), parameter) in a.gradients.iter().zip(&b.gradients).zip(fused.parameters()) {
        assert_eq!(
            a.is_some(),
            parameter.trainable,
            "{} of {what}",
            parameter.name
        );
        match (a, b) {
            (Some(a), Some(b)) => close(a, b, &parameter.name),
            _ => assert!(a.is_none() && b.is_none(), "{} of {what}", parameter.name),
        }
    }
    // Running statistics have moved alike.
    for (a, b) in fused.parameters().iter().zip(plain.parameters()) {
        close(&a.value, &b.value, &a.name);
    }
}

#[test]
fn what_must_not_be_fused_is_not() {
    use crate::layers::{BatchNormalization, Conv2D, Dense, MaxPooling2D};
    use crate::{L1, Padding, Relu, Softplus, Tanh};
    let kernels = |model: Sequential| -> Vec<Option<&'static str>> {
        model
            .build(Seed(1))
            .unwrap()
            .stages()
            .iter()
            .map(|stage| stage.0)
            .collect()
    };
    let image = || Sequential::new([8, 8, 1]);
    // Dropout behind no relu, an activation whose output does not tell its slope, a regularized output, other poolings.
    assert_eq!(
        kernels(image().add(Conv2D::new(2, 3)).add(Dropout::new(0.5))),
        [Some("conv2d_fused"), None]
    );
    assert_eq!(
        kernels(
            image()
                .add(Dense::new(2).activation(Tanh))
                .add(Dropout::new(0.5))
        ),
        [Some("dense"), None]
    );
    let softplus = Dense::new(2).activation(Softplus);
    assert_eq!(kernels(image().add(softplus)), [None]);
    let pooled = Conv2D::new(2, 3).activation(Tanh);
    assert_eq!(
        kernels(image().add(pooled).add(MaxPooling2D::new(2))),
        [Some("conv2d_fused"), None]
    );
    let regularized = Conv2D::new(2, 3)
        .activation(Relu)
        .activity_regularizer(L1(0.1));
    assert_eq!(
        kernels(image().add(regularized).add(MaxPooling2D::new(2))),
        [None, None]
    );
    for pooling in [
        MaxPooling2D::new(3),
        MaxPooling2D::new(2).strides(1),
        MaxPooling2D::new(2).padding(Padding::Same),
    ] {
        let model = image().add(Conv2D::new(2, 3).activation(Relu)).add(pooling);
        assert_eq!(kernels(model), [Some("conv2d_fused"), None]);
    }
    let model = image().add(Conv2D::new(2, 3)).add(MaxPooling2D::new(2));
    assert_eq!(kernels(model), [Some("conv2d_fused"), None]);
    let other = image()
        .add(BatchNormalization::new())
        .add(Activation::new(Tanh));
    assert_eq!(kernels(other), [None, None]);
}
