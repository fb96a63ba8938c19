//! A batch that is not finite must leave nothing behind: weights and moving statistics stand as they were.

use taper_datasets::InMemory;
use taper_nn::{Parameter, layers::BatchNormalization};
use taper_tensor::Tensor;
use taper_train::Error;
use taper_train::prelude::*;

/// Four samples of two numbers, one of them given; trained on in one batch.
fn refused(number: f32) -> String {
    let x = [0.5, -1.0, 2.0, 0.25, number, 1.0, -0.5, 0.75];
    let y = [0.0, 1.0, 0.5, -1.0];
    let data = InMemory::new(
        Tensor::from_slice([4, 2], &x).unwrap(),
        Tensor::from_slice([4, 1], &y).unwrap(),
    )
    .unwrap();
    let mut model = Sequential::new([2])
        .add(BatchNormalization::new())
        .add(Dense::new(1))
        .build(Seed(3))
        .unwrap();
    let bits = |model: &Model| -> Vec<u32> {
        let parameters = model.parameters().iter();
        parameters
            .flat_map(|p| p.value.to_vec())
            .map(f32::to_bits)
            .collect()
    };
    let before = bits(&model);
    let error = Trainer::new(SGD::new(0.1), MeanSquaredError)
        .batch_size(4)
        .fit(&mut model, &data)
        .unwrap_err();
    assert!(
        matches!(error, Error::NotFinite { batch: 1, .. }),
        "{error}"
    );
    assert_eq!(bits(&model), before, "input {number}: {error}");
    error.to_string()
}

#[test]
fn inputs_that_are_not_finite_leave_the_model_alone_and_are_named() {
    for (number, word) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        let text = refused(number);
        let named = format!("the input of sample 2 holds {word}");
        assert!(text.contains(&named), "{text}");
        assert!(!text.contains("learning rate"), "{text}");
    }
}

#[test]
fn an_input_that_overflows_the_variance_leaves_the_model_alone() {
    let text = refused(1e38);
    assert!(!text.contains("penalty") && text.len() < 250, "{text}");
}

/// Two samples, on which `rate` is tried for a few epochs.
fn diverged(optimizer: impl Optimizer + 'static) -> (String, bool) {
    let data = InMemory::new(
        Tensor::from_slice([2, 1], &[1.0, 2.0]).unwrap(),
        Tensor::from_slice([2, 1], &[1e4, -1e4]).unwrap(),
    )
    .unwrap();
    let model = Sequential::new([1])
        .add(BatchNormalization::new())
        .add(Dense::new(1));
    let mut model = model.build(Seed(3)).unwrap();
    let error = Trainer::new(optimizer, MeanSquaredError)
        .epochs(5)
        .fit(&mut model, &data)
        .unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    let finite = |p: &Parameter| p.value.to_vec().iter().all(|w| w.is_finite());
    (error.to_string(), model.parameters().iter().all(finite))
}

/// What the optimizer would write is looked at, too: which weight, and that the rate is to blame.
#[test]
fn weights_that_would_overflow_are_named_and_not_written() {
    let (text, finite) = diverged(SGD::new(1e37));
    assert!(finite, "{text}");
    assert!(
        text.contains("in epoch 1") && text.contains("would no longer be finite"),
        "{text}"
    );
    assert!(text.contains("a learning rate lower than 1e37"), "{text}");
    for optimizer in [SGD::new(1e20), SGD::new(1e20).momentum(0.9)] {
        let (text, finite) = diverged(optimizer);
        assert!(finite && text.len() < 250, "{text}");
        assert!(text.contains("a learning rate lower than 1e20"), "{text}");
    }
    assert!(diverged(Adam::new(1e38)).1);
}

/// Before any step the learning rate cannot be to blame, and afterwards not if it is 0.
#[test]
fn the_learning_rate_is_blamed_only_where_it_can_be() {
    for rate in [0.0, 0.1] {
        let data = InMemory::new(
            Tensor::from_slice([2, 1], &[1e30, 2.0]).unwrap(),
            Tensor::from_slice([2, 1], &[1.0, 0.0]).unwrap(),
        )
        .unwrap();
        let mut model = Sequential::new([1])
            .add(Dense::new(1))
            .build(Seed(3))
            .unwrap();
        let error = Trainer::new(SGD::new(rate), MeanSquaredError)
            .epochs(3)
            .fit(&mut model, &data)
            .unwrap_err()
            .to_string();
        assert!(!error.contains("learning rate"), "{error}");
        assert!(
            error.contains("the input of sample 0 holds 1e30"),
            "{error}"
        );
    }
}

/// Notes what is warned of.
struct Warnings(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Callback for Warnings {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> std::ops::ControlFlow<()> {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push((*text).to_owned());
        }
        std::ops::ControlFlow::Continue(())
    }
}

/// A validation that is not finite ends nothing: it stands in the history, and its cause is told once.
#[test]
fn a_measured_loss_that_is_not_finite_is_told_with_its_cause() {
    let data = |number: f32| {
        let x = Tensor::from_slice([2, 1], &[0.5, number]).unwrap();
        InMemory::new(x, Tensor::from_slice([2, 1], &[1.0, 0.0]).unwrap()).unwrap()
    };
    for (number, cause) in [
        (f32::NAN, "the input of sample 1 holds NaN"),
        (3e38, "the outputs too large"),
    ] {
        let (training, validation) = (data(1.0), data(number));
        let mut model = Sequential::new([1])
            .add(Dense::new(1))
            .build(Seed(3))
            .unwrap();
        let told = std::sync::Arc::default();
        let fit = Trainer::new(SGD::new(0.1), MeanSquaredError)
            .epochs(2)
            .validation(&validation)
            .callback(Warnings(std::sync::Arc::clone(&told)))
            .fit(&mut model, &training)
            .unwrap();
        assert!(fit.get("val_loss").iter().all(|loss| !loss.is_finite()));
        let told = told.lock().unwrap();
        let found: Vec<_> = told.iter().filter(|text| text.contains(cause)).collect();
        assert_eq!(found.len(), 1, "{told:?}");
    }
}

/// What `fit` says of a model and data, and whether it calls that diverged; the model must be what it was.
fn said(
    model: &mut Model,
    data: &InMemory,
    optimizer: impl Optimizer + 'static,
    batch_size: usize,
) -> (String, bool) {
    let error = Trainer::new(optimizer, MeanSquaredError)
        .batch_size(batch_size)
        .shuffle(false)
        .epochs(3)
        .fit(model, data)
        .unwrap_err();
    let Error::NotFinite { diverged, .. } = error else {
        panic!("{error}");
    };
    let text = error.to_string();
    assert!(!text.contains("penalty -0") && text.len() < 250, "{text}");
    let long = |part: &str| part.chars().filter(char::is_ascii_digit).count() > 8;
    assert!(!text.split_whitespace().any(long), "{text}");
    let finite = |p: &Parameter| p.value.is_finite();
    assert!(model.parameters().iter().all(finite), "{text}");
    (text, diverged)
}

fn samples(inputs: &[f32], targets: &[f32]) -> InMemory {
    let column = |values: &[f32]| Tensor::from_slice([values.len(), 1], values).unwrap();
    InMemory::new(column(inputs), column(targets)).unwrap()
}

fn line() -> Model {
    let model = Sequential::new([1]).add(Dense::new(1));
    model.build(Seed(3)).unwrap()
}

#[test]
fn the_batch_and_the_sample_are_named() {
    for (at, batch) in [(0, 1), (3, 2), (4, 3)] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let (mut good, mut odd) = ([0.5, 1.0, -1.0, 0.25, 2.0], [0.5, 1.0, -1.0, 0.25, 2.0]);
            odd[at] = value;
            let (text, diverged) = said(&mut line(), &samples(&odd, &good), SGD::new(0.1), 2);
            let start = format!("batch {batch} of 3 in epoch 1 was not learnt from: ");
            let input = format!("{start}the input of sample {at} holds {value}");
            assert_eq!((text, diverged), (input, false));
            let (text, _) = said(&mut line(), &samples(&good, &odd), SGD::new(0.1), 2);
            assert_eq!(
                text,
                format!("{start}the target of sample {at} holds {value}")
            );
            // Of two the input is named.
            good[at] = f32::NAN;
            let (text, _) = said(&mut line(), &samples(&good, &odd), SGD::new(0.1), 2);
            assert!(text.contains("the input of sample"), "{text}");
        }
    }
}

/// Of several inputs and targets the one that is to blame; one that nobody uses may hold what it likes.
#[test]
fn several_inputs_and_targets_are_told_apart() {
    let model = || {
        let mut net = Functional::new();
        let (a, b) = (net.input("width", [1]), net.input("height", [1]));
        let both = net.join(Concatenate::new(), &[a, b]);
        let price = net.apply(Dense::new(1).name("price"), both);
        let age = net.apply(Dense::new(1).name("age"), both);
        net.outputs(&[price, age]).build(Seed(7)).unwrap()
    };
    let names = ["width", "height", "price", "age"];
    for (at, field) in names.into_iter().enumerate() {
        let column = |i: usize| {
            let odd = if i == at { f32::NAN } else { 0.5 };
            Tensor::from_slice([2, 1], &[1.0, odd]).unwrap()
        };
        let unused = Tensor::full([2, 1], f32::NAN);
        let data = InMemory::named(
            [
                ("unused", unused),
                ("height", column(1)),
                ("width", column(0)),
            ],
            [("age", column(3)), ("price", column(2))],
        );
        let (text, _) = said(&mut model(), &data.unwrap(), SGD::new(0.1), 2);
        let kind = if at < 2 { "input" } else { "target" };
        let named = format!("the {kind} {field:?} of sample 1 holds NaN");
        assert!(text.ends_with(&named), "{text}");
    }
}

#[test]
fn losses_and_penalties_are_named_without_advice_before_a_step() {
    let data = samples(&[0.5, 1.0], &[1.0, 0.0]);
    // Weights too large for the loss, by themselves.
    let mut model = line();
    model.parameters_mut()[0].value = Tensor::full([1, 1], 1e30);
    let told = said(&mut model, &data, SGD::new(0.1), 2);
    let start = "batch 1 of 1 in epoch 1 was not learnt from: ";
    assert_eq!(told, (format!("{start}the loss is inf"), true));

    // The penalty's own gradient overflows; its sum is one of f64 and does not.
    let penalized = Dense::new(1).kernel_regularizer(L2(1e30)).name("heavy");
    let mut model = Sequential::new([1]).add(penalized).build(Seed(3)).unwrap();
    model.parameters_mut()[0].value = Tensor::full([1, 1], 1e20);
    let still = samples(&[0.0, 0.0], &[1.0, 0.0]);
    let (text, diverged) = said(&mut model, &still, SGD::new(0.1), 2);
    assert!(
        text.starts_with(start) && text.contains("heavy/kernel"),
        "{text}"
    );
    assert!(diverged, "{text}");

    let mut layer = Dense::new(1);
    layer.activity_regularizer = Some(L2(1e30).into());
    let mut model = Sequential::new([1]).add(layer).build(Seed(3)).unwrap();
    model.parameters_mut()[0].value = Tensor::full([1, 1], 1e10);
    let told = said(&mut model, &data, SGD::new(0.1), 2);
    assert_eq!(
        told,
        (
            format!("{start}the penalty of a layer's outputs is inf"),
            true
        )
    );
}

/// A moment that would overflow, of data that is too large: a lower rate would not help.
#[test]
fn moments_are_named_and_the_rate_is_not_blamed_for_data() {
    let mut model = line();
    model.parameters_mut()[0].value = Tensor::zeros([1, 1]);
    let data = samples(&[1e20, 1e20], &[100.0, 100.0]);
    let (text, diverged) = said(&mut model, &data, Adam::new(0.001), 2);
    let wanted = "the velocity of dense/kernel would no longer be finite; the input of sample 0 holds 1e20: scale the data";
    assert!(text.ends_with(wanted) && !diverged, "{text}");
    assert_eq!(model.parameters()[0].value.to_vec(), [0.0]);
}

/// One sample far out, after steps that were sound, is no divergence; weights that ran away are one, whatever the data.
#[test]
fn an_outlier_is_told_from_a_divergence() {
    let data = samples(&[0.5, 1.0, 1e30], &[1.0, 0.5, 0.0]);
    let (text, diverged) = said(&mut line(), &data, SGD::new(0.1), 1);
    assert_eq!(
        (text.as_str(), diverged),
        (
            "batch 3 of 3 in epoch 1 was not learnt from: the loss is inf; the input of sample 2 holds 1e30: scale the data",
            false
        )
    );
    let data = samples(&[3e5, -2e5, 1e5], &[1e5, 2e5, 3e5]);
    let (text, diverged) = said(&mut line(), &data, SGD::new(0.0123456789), 1);
    let wanted = "training has diverged; try a learning rate lower than 0.01235";
    assert!(text.ends_with(wanted) && diverged, "{text}");
}
