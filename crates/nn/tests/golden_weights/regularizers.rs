//! Penalties and their gradients are those of Keras.

use super::{assert_all_have_cases, cases, golden, near, tensor};
use taper_autograd::Tape;
use taper_nn::regularizers;
use taper_tensor::{Element, Tensor};

fn penalties<E: Element>() {
    let file = golden("regularizers.json");
    for case in cases(&file) {
        let class_name = case["class_name"].as_str().unwrap();
        let regularizer = regularizers::from_config(class_name, &case["config"]).unwrap();
        for (name, wanted) in case["of"].as_object().unwrap() {
            let what = format!("{regularizer:?} of {name}");
            let weight = tensor::<E>(&file["weights"][name]);
            let value = Tensor::scalar(wanted["value"].as_f64().unwrap());
            let found = Tensor::<E>::scalar(E::from_f64(regularizer.value(&weight)));
            near(&what, &found, &value);
            let gradient = tensor::<f64>(&wanted["gradient"]);
            near(&what, &regularizer.gradient(&weight), &gradient);
            // And on the tape.
            let tape = Tape::new();
            let variable = tape.parameter(&weight);
            let penalty = regularizer.penalty(&variable).unwrap();
            near(&what, &penalty.value().reshape([]).unwrap(), &value);
            near(&what, &penalty.backward().unwrap()[&variable], &gradient);
        }
    }
}

#[test]
fn penalties_are_those_of_keras() {
    penalties::<f64>();
    penalties::<f32>();
}

#[test]
fn no_regularizer_is_without_golden_numbers() {
    let classes = regularizers::all().into_iter().map(|row| row.class_name);
    assert_all_have_cases(&golden("regularizers.json"), classes);
}

/// What has no pairs, no length, or no right angle is no trouble.
#[test]
fn orthogonal_penalties_have_their_ends() {
    let config = serde_json::json!({"factor": 1.0});
    let penalty = regularizers::from_config("OrthogonalRegularizer", &config).unwrap();
    for (weight, wanted) in [
        (Tensor::<f64>::ones([3]), 0.0),
        (Tensor::scalar(2.0), 0.0),
        (Tensor::ones([1, 3]), 0.0),
        (Tensor::zeros([3, 3]), 0.0),
        (Tensor::ones([4, 2]), 1.0),
        (Tensor::ones([2, 2, 3]), 1.0),
        (
            Tensor::from_vec([2, 2], vec![3.0, 0.0, 0.0, -2.0]).unwrap(),
            0.0,
        ),
    ] {
        let value = penalty.value(&weight);
        assert!((value - wanted).abs() <= 1e-12, "{weight:?}: {value}");
        assert!(penalty.gradient(&weight).is_finite(), "{weight:?}");
    }
    assert!(penalty.value(&Tensor::full([2, 2], f64::NAN)).is_nan());
    let refused = regularizers::from_config(
        "OrthogonalRegularizer",
        &serde_json::json!({"factor": -1.0}),
    );
    assert!(refused.unwrap_err().to_string().contains("factor is -1"));
}
