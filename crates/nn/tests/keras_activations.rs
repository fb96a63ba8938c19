//! Every activation function against Keras's numbers: values, slopes and prepared inference.
//! `fixtures/golden/keras_activations.py` made them.

use serde_json::Value;
use taper_autograd::Tape;
use taper_nn::layers::Activation;
use taper_nn::{Sequential, activations};
use taper_tensor::{Seed, Tensor};

fn numbers(json: &Value) -> Vec<f64> {
    let numbers = json.as_array().expect("a list");
    numbers
        .iter()
        .map(|n| n.as_f64().expect("a number"))
        .collect()
}

/// `|found − wanted| ≤ tolerance · (|wanted| + least)`.
fn assert_near(found: &[f64], wanted: &[f64], (tolerance, least): (f64, f64), what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (found, wanted) in found.iter().zip(wanted) {
        let near = (found - wanted).abs() <= tolerance * (wanted.abs() + least);
        assert!(near, "{what}: {found} for {wanted}");
    }
}

#[test]
fn values_and_gradients_are_those_of_keras() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/golden/keras_activations.json"
    );
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let back = Tensor::<f64>::from_vec([5, 5], numbers(&golden["back"])).unwrap();
    for row in activations::all() {
        let case = &golden["cases"][row.name];
        assert!(
            case.is_object(),
            "Keras's numbers of {} are missing",
            row.name
        );
        let of_rows = ["softmax", "log_softmax", "sparsemax"].contains(&row.name);
        let x = numbers(&golden[if of_rows { "rows" } else { "x" }]);
        let (values, gradient) = (numbers(&case["value"]), numbers(&case["gradient"]));

        let tape = Tape::new();
        let x64 = tape.parameter(&Tensor::from_vec([5, 5], x.clone()).unwrap());
        let y = row.kind.apply(&x64).unwrap();
        assert_near(&y.value().to_vec(), &values, (1e-13, 1.0), row.name);
        let loss = y.mul(&tape.constant(&back)).unwrap().sum();
        let slopes = loss.backward().unwrap()[&x64].to_vec();
        assert_near(
            &slopes,
            &gradient,
            (1e-13, 1.0),
            &format!("slope of {}", row.name),
        );

        // In f32 relative to the value itself, except where a difference of near numbers is one.
        let least = match row.name {
            "softmax" | "log_softmax" | "sparsemax" | "tanh_shrink" | "hard_sigmoid"
            | "hard_silu" => 1.0,
            _ => 1e-30,
        };
        let x32 = Tensor::from_vec([5, 5], x.iter().map(|x| *x as f32).collect()).unwrap();
        let wide = |found: Tensor| {
            found
                .to_vec()
                .into_iter()
                .map(f64::from)
                .collect::<Vec<_>>()
        };
        let found = wide(row.kind.apply_to(&x32).unwrap());
        assert_near(
            &found,
            &values,
            (4e-7, least),
            &format!("{} in f32", row.name),
        );
        let model = Sequential::new([5])
            .add(Activation::new(row.kind))
            .build(Seed(1));
        let found = wide(model.unwrap().prepare(5).unwrap().predict(&x32).unwrap());
        assert_near(
            &found,
            &values,
            (4e-7, least),
            &format!("{} prepared", row.name),
        );
    }
}
