//! A batch that is not finite must leave nothing behind: weights and moving statistics stand as they were.

use taper_datasets::InMemory;
use taper_nn::layers::BatchNormalization;
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
