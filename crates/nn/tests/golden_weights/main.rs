//! What Keras computes of weights alone, in files of `fixtures/golden`: initializers, regularizers, constraints.

mod constraints;
mod initializers;
mod regularizers;

use serde_json::Value;
use std::path::Path;
use taper_tensor::{Element, Tensor};

/// A file of `fixtures/golden`.
fn golden(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The cases of a file.
fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().unwrap()
}

/// `{"shape", "values"}`
fn tensor<E: Element>(described: &Value) -> Tensor<E> {
    let list = |name: &str| described[name].as_array().unwrap().iter();
    let shape: Vec<usize> = list("shape")
        .map(|n| n.as_u64().unwrap() as usize)
        .collect();
    let values = list("values")
        .map(|value| value.as_f64().unwrap())
        .collect();
    Tensor::<f64>::from_vec(shape, values).unwrap().cast()
}

/// Panics unless each number is near the wanted one, in parts of it and of the largest.
fn near<E: Element>(what: &str, found: &Tensor<E>, wanted: &Tensor<f64>) {
    let tolerance = if E::NAME == "f64" { 1e-9 } else { 1e-5 };
    assert_eq!(found.shape(), wanted.shape(), "{what}");
    let largest = wanted.magnitude();
    let pairs = found
        .cast::<f64>()
        .to_vec()
        .into_iter()
        .zip(wanted.to_vec());
    for (found, wanted) in pairs {
        let near = (found - wanted).abs() <= tolerance * (wanted.abs() + largest);
        assert!(near, "{what} in {}: {found} is not {wanted}", E::NAME);
    }
}

/// Panics if one of the classes has no case.
fn assert_all_have_cases(file: &Value, classes: impl IntoIterator<Item = &'static str>) {
    for class in classes {
        let known = cases(file).iter().any(|case| case["class_name"] == class);
        assert!(known, "{class} has no golden numbers");
    }
}
