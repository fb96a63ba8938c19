//! What the table promises of every optimizer, and what the tests in the optimizers' own files compare with.

use super::*;
use crate::{Penalty, State, Weight, apply};
use serde_json::json;
use std::path::Path;
use taper_tensor::{Seed, Stream, Tensor};

#[test]
fn no_file_is_missing_from_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/optimizers");
    let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "mod.rs" && name != "tests.rs" {
            files += 1;
            let found = rows
                .iter()
                .any(|row| Path::new(row).file_name().unwrap() == name.as_str());
            assert!(
                found,
                "src/optimizers/{name} has no row in optimizers::all()"
            );
        }
    }
    assert_eq!(files, rows.len());
}

/// Three steps with an L1 and an L2 penalty, computed by the closure from (w, gradient with penalty, step).
pub(super) fn compare(
    optimizer: &dyn Optimizer<f64>,
    mut expected: impl FnMut(f64, f64, i32) -> f64,
) {
    let penalty = Penalty { l1: 0.1, l2: 0.2 };
    let mut weight = Tensor::from_vec([1], vec![0.7]).unwrap();
    let mut w = 0.7f64;
    let mut state = State::new(optimizer, [Some(&[1][..])]);
    for (step, gradient) in [0.5, -0.25, 3.0].into_iter().enumerate() {
        let rate = optimizer.learning_rate_at(step as u64);
        let gradient_tensor = Some(Tensor::from_vec([1], vec![gradient]).unwrap());
        apply(
            optimizer,
            &mut state,
            rate,
            [Weight {
                value: &mut weight,
                gradient: gradient_tensor,
                penalty,
            }],
        )
        .unwrap();
        w = expected(w, gradient + 0.1 * w.signum() + 0.4 * w, step as i32 + 1);
        let found = weight.item().unwrap();
        assert!(
            (found - w).abs() <= 1e-12,
            "{optimizer:?} step {step}: {found} is not {w}"
        );
    }
}

/// What is absent in a description has the default, in JSON and in Rust.
pub(super) fn check_config(class_name: &str, default: &dyn Optimizer, expected: Value) {
    assert_eq!(default.config(), expected);
    let read = from_config::<f32>(class_name, &Value::Null).unwrap();
    assert_eq!(read.config(), expected);
}

/// Every way that every optimizer computes.
fn samples<E: Element>() -> impl Iterator<Item = Box<dyn Optimizer<E>>> {
    all::<E>().into_iter().flat_map(|row| (row.samples)())
}

#[test]
fn descriptions_survive_json() {
    for sample in samples::<f64>() {
        let text = sample.config().to_string();
        let config = serde_json::from_str(&text).unwrap();
        let again = from_config::<f64>(sample.class_name(), &config).unwrap();
        assert_eq!(format!("{again:?}"), format!("{sample:?}"));
    }
    for row in all::<f64>() {
        let schedule = json!({"class_name": "PiecewiseConstantDecay", "config":
            {"boundaries": [3], "values": [0.1, 0.07]}});
        for config in [
            Value::Null,
            json!({"learning_rate": schedule, "clipnorm": 0.3}),
        ] {
            let optimizer = (row.from_config)(&config).unwrap();
            assert_eq!(optimizer.class_name(), row.class_name);
            let text = optimizer.config().to_string();
            let again =
                from_config::<f64>(row.class_name, &serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{optimizer:?}"));
        }
    }
}

#[test]
fn nonsense_is_refused_with_reasons() {
    let error = |class, config: Value| from_config::<f32>(class, &config).unwrap_err().to_string();
    assert!(error("Adamm", json!({})).contains(&names().join(", ")));
    for (class, config, expected) in [
        ("Adam", json!({"beta1": 0.9}), "beta1"),
        ("Adam", json!({"beta_1": 1.5}), "beta_1 is 1.5"),
        ("AdamW", json!({"weight_decay": -1.0}), "weight_decay is -1"),
        ("AdamW", json!({"momentum": 0.9}), "momentum"),
        ("AdamW", json!(3), "found 3"),
        ("SGD", json!({"learning_rate": -0.1}), "-0.1"),
        ("SGD", json!({"learning_rate": "fast"}), "a number"),
        ("SGD", json!({"clipnorm": "x"}), "clipnorm"),
        ("SGD", json!({"clipnorm": 1, "clipvalue": 1}), "only one of"),
        ("SGD", json!([]), "by name"),
    ] {
        let error = error(class, config);
        assert!(
            error.starts_with(class) && error.contains(expected),
            "{error}"
        );
    }
}

/// Every optimizer goes down a bowl, in f32 and f64.
#[test]
fn every_optimizer_goes_down() {
    fn descend<E: Element>() {
        for optimizer in samples::<E>() {
            // Adadelta begins with tiny steps; Lamb and Adafactor move in proportion to the weight.
            let rate = match optimizer.class_name() {
                "Adadelta" => 40.0,
                "Adagrad" | "Ftrl" => 0.5,
                _ => 0.02,
            };
            let mut w = Tensor::<E>::from_fn([40], |i| E::from_f64(i as f64 / 20.0 - 1.0));
            let height = |w: &Tensor<E>| w.penalty_sums().1;
            let before = height(&w);
            let mut state = State::new(&*optimizer, [Some(&[40][..])]);
            for _ in 0..300 {
                let gradient = Some(w.clone());
                let weight = Weight {
                    value: &mut w,
                    gradient,
                    penalty: Penalty::default(),
                };
                apply(&*optimizer, &mut state, rate, [weight]).unwrap();
            }
            let after = height(&w);
            assert!(after <= 0.02 * before, "{optimizer:?}: {before} to {after}");
        }
    }
    descend::<f32>();
    descend::<f64>();
}

/// Weights and slots after three steps from slots of zeros; gradients as given.
fn run<E: Element>(
    optimizer: &dyn Optimizer<E>,
    weight: &Tensor<f64>,
    gradients: &[Tensor<f64>; 3],
    penalty: Penalty,
) -> Vec<Tensor<f64>> {
    let mut value = weight.cast::<E>();
    let mut state = State::new(optimizer, [Some(weight.shape())]);
    for gradient in gradients {
        let gradient = Some(gradient.cast());
        let weight = Weight {
            value: &mut value,
            gradient,
            penalty,
        };
        apply(optimizer, &mut state, 0.01, [weight]).unwrap();
    }
    let slots = state.slots.remove(0);
    let all = [value].into_iter().chain(slots);
    all.map(|tensor| tensor.cast()).collect()
}

/// The rule on vectors of f32 does what it does on plain f64.
#[test]
fn vectors_do_what_plain_numbers_do() {
    let random = |len: usize, n: u32| {
        Tensor::<f64>::uniform([len], -1.0, 1.0, Seed(5).key(Stream::User(n), 0))
    };
    for len in [1, 15, 16, 1000, 70_001] {
        // Numbers that f32 has, too.
        let [w, a, b, c] = [0, 1, 2, 3].map(|n| random(len, n).cast::<f32>().cast::<f64>());
        let gradients = [a, b, c];
        for penalty in [Penalty::default(), Penalty { l1: 0.01, l2: 0.02 }] {
            for (single, double) in samples::<f32>().zip(samples::<f64>()) {
                let found = run(&*single, &w, &gradients, penalty);
                let expected = run(&*double, &w, &gradients, penalty);
                for (found, expected) in found.iter().zip(&expected) {
                    for (found, expected) in found.to_vec().into_iter().zip(expected.to_vec()) {
                        let error = (found - expected).abs();
                        assert!(
                            error <= 2e-6 + 2e-5 * expected.abs(),
                            "{single:?}, {len} numbers, {penalty:?}: {found} is not {expected}"
                        );
                    }
                }
            }
        }
    }
}

/// A network that has diverged must show it, and numbers that are slow to compute with must not stay.
#[test]
fn nan_stays_and_subnormals_go() {
    let step = |optimizer: &dyn Optimizer, start: f32, gradient: f32| {
        let mut w = Tensor::full([21], start);
        let slots = 0..optimizer.slots().len();
        // What this weight has no use for is a single number, and stays.
        let fill = |slot| match optimizer.slot_shape(slot, &[21]) {
            shape if shape == [21] => Tensor::full(shape, start),
            shape => Tensor::zeros(shape),
        };
        let mut slots: Vec<Tensor> = slots.map(fill).collect();
        let gradient = Tensor::full([21], gradient);
        let (penalty, rate) = (Penalty::default(), 0.0);
        optimizer.update_tensor(1, rate, &mut w, &gradient, &mut slots, penalty);
        let slots: Vec<f32> = slots.iter().flat_map(Tensor::to_vec).collect();
        (w.to_vec(), slots)
    };
    for optimizer in samples::<f32>() {
        let (w, _) = step(&*optimizer, 0.0, f32::NAN);
        assert!(w.iter().all(|w| w.is_nan()), "{optimizer:?}: {w:?}");
        let (w, slots) = step(&*optimizer, 1e-39, 0.0);
        let gone = w.iter().all(|&w| w == 0.0) && !slots.iter().any(|slot| slot.is_subnormal());
        assert!(gone, "{optimizer:?}: {w:?}, {slots:?}");
    }
}
