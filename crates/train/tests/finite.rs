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
