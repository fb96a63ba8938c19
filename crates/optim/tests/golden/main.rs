//! What Keras computes, in files of `fixtures/golden`, and how near to it is near enough.

mod optimizers;
mod schedules;

use serde_json::Value;
use std::path::Path;
use taper_tensor::{Element, Tensor};

/// A file of `fixtures/golden`.
fn golden(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A list of numbers.
fn numbers(values: &Value) -> Vec<f64> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

/// `{"shape", "values"}`
fn tensor<E: Element>(described: &Value) -> Tensor<E> {
    let shape = described["shape"].as_array().unwrap().iter();
    let shape: Vec<usize> = shape.map(|n| n.as_u64().unwrap() as usize).collect();
    let values = numbers(&described["values"]);
    Tensor::from_vec(shape, values).unwrap().cast()
}

/// What these element types can hold.
fn tolerance<E: Element>() -> f64 {
    if E::NAME == "f64" { 1e-9 } else { 1e-5 }
}

/// The largest distance, in parts of a number and of the largest one.
fn distance(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(0.0f64, |most, w| most.max(w.abs()));
    let pairs = found.iter().zip(wanted);
    let parts = pairs.map(|(f, w)| {
        if f == w {
            0.0
        } else {
            (f - w).abs() / (w.abs() + largest)
        }
    });
    // A NaN is no small distance.
    parts.fold(0.0, |most, part| if part <= most { most } else { part })
}
