//! Weights of classes: by hand, and against samples that stand several times in the set.

mod common;

use common::{Bars, network, trainer, weights};
use taper_datasets::InMemory;
use taper_train::evaluate;
use taper_train::prelude::*;

const X: [f32; 8] = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, 1.0, 1.0];
const CLASSES: [usize; 4] = [0, 1, 1, 0];

fn data(target: Tensor) -> InMemory {
    InMemory::new(Tensor::from_slice([4, 2], &X).unwrap(), target).unwrap()
}

fn one_hot() -> InMemory {
    data(Tensor::one_hot(&CLASSES, 2).unwrap())
}

fn sparse() -> InMemory {
    data(Tensor::from_fn([4], |i| CLASSES[i] as f32))
}

fn model(outputs: usize, activation: taper_nn::ActivationKind) -> Model {
    let layer = Dense::new(outputs).activation(activation);
    Sequential::new([2]).add(layer).build(Seed(5)).unwrap()
}

/// A step with a learning rate of 0 leaves the model, and reports its weighted loss.
fn training_loss(loss: impl Loss + 'static, model: &mut Model, data: &InMemory) -> EpochRecord {
    let fit = Trainer::new(SGD::new(0.0), loss)
        .class_weight([(1, 3.0), (0, 0.5)])
        .validation(data)
        .fit(model, data);
    fit.unwrap().history.epochs.remove(0)
}

#[test]
fn the_training_loss_is_weighted_and_divided_by_the_number_of_samples() {
    let mut softmax = model(2, Softmax);
    let p = softmax
        .predict(&Tensor::from_slice([4, 2], &X).unwrap())
        .unwrap()
        .to_vec();
    let loss = |i: usize| -f64::from(p[2 * i + CLASSES[i]]).ln();
    let sum = |weights: [f64; 4]| (0..4).map(|i| weights[i] * loss(i)).sum::<f64>() / 4.0;
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-6, "{a} is not {b}");
    let record = training_loss(CategoricalCrossentropy, &mut softmax, &one_hot());
    close(record.loss, sum([0.5, 3.0, 3.0, 0.5]));
    close(record.val_loss.unwrap(), sum([1.0; 4]));
    assert_eq!(
        record.accuracy, record.val_accuracy,
        "metrics are not weighted"
    );
    let record = training_loss(SparseCategoricalCrossentropy, &mut softmax, &sparse());
    close(record.loss, sum([0.5, 3.0, 3.0, 0.5]));

    let mut sigmoid = model(1, Sigmoid);
    let p = sigmoid
        .predict(&Tensor::from_slice([4, 2], &X).unwrap())
        .unwrap()
        .to_vec();
    let binary = |i: usize| match CLASSES[i] {
        1 => -f64::from(p[i]).ln() * 3.0,
        _ => -f64::from(1.0 - p[i]).ln() * 0.5,
    };
    let record = training_loss(BinaryCrossentropy, &mut sigmoid, &sparse());
    close(record.loss, (0..4).map(binary).sum::<f64>() / 4.0);
}

#[test]
fn weights_of_1_change_nothing_but_the_last_bits() {
    let data = Bars::new(48, 1);
    let (mut plain, mut weighted) = (network(), network());
    trainer().epochs(1).fit(&mut plain, &data).unwrap();
    let ones = trainer().epochs(1).class_weight([(0, 1.0), (2, 1.0)]);
    { ones }.fit(&mut weighted, &data).unwrap();
    for (a, b) in plain.parameters().iter().zip(weighted.parameters()) {
        assert!(
            a.value.all_close(&b.value, 1e-3, 1e-5).unwrap(),
            "{}",
            a.name
        );
    }
}

/// With a weight of 0 for two classes, the network learns to say the third.
#[test]
fn what_counts_is_learnt() {
    let (data, mut model) = (Bars::new(150, 1), network());
    let fit = trainer().epochs(6).class_weight([(0, 0.0), (1, 0.0)]);
    { fit }.fit(&mut model, &data).unwrap();
    let measured = evaluate(&model, &data, &CategoricalCrossentropy, 50).unwrap();
    assert_eq!(measured.confusion.unwrap().recall(2), Some(1.0));
}

#[test]
fn weights_that_cannot_be_are_refused_before_the_first_batch() {
    /// A loss that knows only its mean.
    #[derive(Debug)]
    struct Mean;
    impl Loss for Mean {
        fn name(&self) -> &'static str {
            "mean"
        }
        fn forward(
            &self,
            output: &taper_autograd::Var,
            _: &Tensor,
        ) -> taper_nn::Result<taper_autograd::Var> {
            Ok(output.mean())
        }
    }
    let refused = |trainer: Trainer<'_>, class_weights: &[(usize, f64)], words: &str| {
        let mut model = network();
        let before = weights(&model);
        let trainer = trainer.class_weight(class_weights.iter().copied());
        let error = { trainer }
            .fit(&mut model, &Bars::new(20, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(weights(&model), before);
    };
    refused(trainer(), &[(3, 1.0)], "no class 3, only 0 to 2");
    refused(trainer(), &[(1, -1.0)], "class 1 is -1");
    refused(trainer(), &[(1, f64::NAN)], "class 1 is NaN");
    refused(
        Trainer::new(Adam::default(), Mean),
        &[(1, 2.0)],
        "per_sample",
    );
}
