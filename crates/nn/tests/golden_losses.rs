//! The losses against Keras, with their gradients, in f64: `fixtures/golden/losses.py` made the numbers.

use serde::Deserialize;
use serde_json::Value;
use taper_autograd::Tape;
use taper_nn::losses;
use taper_tensor::Tensor;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    class_name: String,
    config: Value,
    output: Numbers,
    target: Numbers,
    weights: Option<Numbers>,
    value: f64,
    gradient: Numbers,
    tolerance: f64,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Numbers {
    fn tensor(&self) -> Tensor<f64> {
        Tensor::from_slice(&self.shape[..], &self.values).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/golden/losses.json"
    );
    let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file.cases
}

#[test]
fn every_loss_has_golden_numbers() {
    let cases = cases();
    for row in losses::all::<f64>() {
        let found = cases.iter().any(|case| case.class_name == row.class_name);
        assert!(
            found,
            "{} has none in fixtures/golden/losses.json",
            row.class_name
        );
    }
}

#[test]
fn values_and_gradients_are_those_of_keras() {
    let mut wrong = Vec::new();
    for case in cases() {
        let what = format!(
            "{} {} of {:?}",
            case.class_name, case.config, case.output.shape
        );
        let loss = losses::from_config::<f64>(&case.class_name, &case.config).unwrap();
        let output = Tape::new().parameter(&case.output.tensor());
        let target = case.target.tensor();
        let value = match &case.weights {
            None => loss.forward(&output, &target),
            Some(weights) => loss.forward_weighted(&output, &target, &weights.tensor()),
        };
        let value = value.unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = value.value().item().unwrap();
        let gradient = value.backward().unwrap()[&output].to_vec();
        let largest = case
            .gradient
            .values
            .iter()
            .fold(0.0, |m: f64, v| m.max(v.abs()));
        // False for NaN.
        let near = |found: f64, wanted: f64, scale: f64| {
            (found - wanted).abs() <= case.tolerance * (wanted.abs() + scale)
        };
        if !near(found, case.value, 1.0) {
            wrong.push(format!("{what}: {found}, Keras has {}", case.value));
        }
        for (i, (found, wanted)) in gradient.iter().zip(&case.gradient.values).enumerate() {
            if !near(*found, *wanted, largest) {
                wrong.push(format!(
                    "{what}: gradient {i} is {found}, Keras has {wanted}"
                ));
                break;
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
