//! Reading the files of `fixtures/golden`, and comparing with them.

use serde_json::Value;
use taper_train::prelude::*;

/// Relative to the value and to the largest of its tensor: Keras's own f32 stays within 1.2e-6 of its f64.
const TOLERANCE: f64 = 1e-5;

pub(crate) fn read(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn numbers(json: &Value) -> Vec<f64> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn shape(json: &Value) -> Vec<usize> {
    numbers(&json["shape"])
        .iter()
        .map(|n| *n as usize)
        .collect()
}

pub(crate) fn tensor(json: &Value) -> Tensor {
    let values = numbers(&json["values"]).iter().map(|v| *v as f32).collect();
    Tensor::from_vec(shape(json), values).unwrap()
}

/// Labels as one-hot rows.
pub(crate) fn one_hot(json: &Value, classes: &Value) -> Tensor {
    let labels: Vec<usize> = numbers(json).iter().map(|n| *n as usize).collect();
    Tensor::one_hot(&labels, classes.as_u64().unwrap() as usize).unwrap()
}

/// Named tensors, as `Model::set_weights` takes them.
pub(crate) fn named(json: &Value) -> impl Iterator<Item = (String, Tensor)> {
    let tensors = json.as_array().unwrap().iter();
    tensors.map(|w| (w["name"].as_str().unwrap().to_owned(), tensor(w)))
}

pub(crate) fn assert_close(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= TOLERANCE * (want.abs() + largest);
        assert!(close, "{what}[{i}]: {got}, Keras has {want}");
    }
}

pub(crate) fn assert_tensor_close(what: &str, got: &Tensor, want: &Value) {
    assert_eq!(got.shape(), shape(want), "{what}");
    let got: Vec<f64> = got.to_vec().iter().map(|v| f64::from(*v)).collect();
    assert_close(what, &got, &numbers(&want["values"]));
}

/// All weights of a model, by name and in order.
pub(crate) fn assert_weights_close(what: &str, model: &Model, want: &Value) {
    let want = want.as_array().unwrap();
    assert_eq!(want.len(), model.parameters().len());
    for (parameter, want) in model.parameters().iter().zip(want) {
        assert_eq!(parameter.name, want["name"].as_str().unwrap());
        let what = format!("{what}: {}", parameter.name);
        assert_tensor_close(&what, &parameter.value, want);
    }
}
