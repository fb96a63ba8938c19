//! The metrics against Keras and scikit-learn, whole and batch by batch: `fixtures/golden/metrics.py` made the numbers.

use serde::Deserialize;
use serde_json::Value;
use taper_tensor::Tensor;
use taper_train::{Metric, metrics};

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    class_name: String,
    config: Value,
    /// Who computed it.
    by: String,
    output: Numbers,
    target: Numbers,
    weights: Option<Numbers>,
    /// One, or one for each class.
    values: Vec<f64>,
    tolerance: f64,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Numbers {
    fn tensor(&self) -> Tensor {
        Tensor::from_slice(&self.shape[..], &self.values).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/golden/metrics.json"
    );
    let file: File = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file.cases
}

/// What the sums come to, over a set that comes in batches of this many samples.
fn sums(metric: &dyn Metric, case: &Case, batch: usize) -> Vec<f64> {
    let (output, target) = (case.output.tensor(), case.target.tensor());
    let weights = case.weights.as_ref().map(Numbers::tensor);
    let samples = output.shape()[0];
    let mut sums = vec![
        0.0;
        metric
            .sums(&output.shape()[1..], &target.shape()[1..])
            .unwrap()
    ];
    for start in (0..samples).step_by(batch) {
        let part = |t: &Tensor| t.slice(0, start..(start + batch).min(samples)).unwrap();
        let weights = weights.as_ref().map(part);
        metric
            .add(&mut sums, &part(&output), &part(&target), weights.as_ref())
            .unwrap();
    }
    sums
}

#[test]
fn every_metric_has_golden_numbers() {
    let cases = cases();
    for row in metrics::all() {
        let found = cases.iter().any(|case| case.class_name == row.class_name);
        assert!(
            found,
            "{} has none in fixtures/golden/metrics.json",
            row.class_name
        );
    }
}

#[test]
fn values_are_those_of_keras_and_scikit_learn() {
    let mut wrong = Vec::new();
    for case in cases() {
        let metric = metrics::from_config(&case.class_name, &case.config).unwrap();
        for batch in [usize::MAX / 2, 5] {
            let sums = sums(&*metric, &case, batch);
            let found = match case.values.len() {
                1 => vec![metric.value(&sums)],
                _ => metric.values(&sums),
            };
            let close = |(found, wanted): (&f64, &f64)| {
                (found - wanted).abs() <= case.tolerance * (wanted.abs() + 1.0)
            };
            let same = found.len() == case.values.len();
            if !(same && found.iter().zip(&case.values).all(close)) {
                let weighted = if case.weights.is_some() {
                    ", weighted"
                } else {
                    ""
                };
                wrong.push(format!(
                    "{} {} of {:?}{weighted}: {found:?}, {} has {:?}",
                    case.class_name, case.config, case.output.shape, case.by, case.values
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

/// What checkpoints note of a metric is read as the same metric.
#[test]
fn every_golden_setting_survives_json() {
    for case in cases() {
        let metric = metrics::from_config(&case.class_name, &case.config).unwrap();
        let read = metrics::from_config(&case.class_name, &metric.config()).unwrap();
        assert_eq!(read.config(), metric.config(), "{}", case.class_name);
        assert_eq!(read.name(), metric.name());
    }
}
