//! Twenty steps of every optimizer are those of Keras.

use super::{distance, golden, tensor, tolerance};
use serde_json::{Value, json};
use taper_optim::{Optimizer, Penalty, State, Weight, apply, optimizers};
use taper_tensor::{Element, Tensor};

/// The optimizer of a case, as a description in JSON makes it.
fn optimizer<E: Element>(case: &Value) -> Box<dyn Optimizer<E>> {
    let mut config = case["config"].clone();
    config["exclude_from_weight_decay"] = case["exclude_from_weight_decay"].clone();
    let class_name = case["class_name"].as_str().unwrap();
    optimizers::from_config(class_name, &config).unwrap()
}

/// What a weight is after a step, and where the file has it.
fn check<E: Element>(name: &str, at: &str, wanted: &Value, weights: &[(&str, Tensor<E>)]) -> f64 {
    let mut worst = 0.0f64;
    for (weight, found) in weights {
        let wanted = tensor::<f64>(&wanted[weight]).to_vec();
        let apart = distance(&found.cast::<f64>().to_vec(), &wanted);
        let near = apart <= tolerance::<E>();
        assert!(
            near,
            "{name} in {}, {weight} after {at}: {apart:e}",
            E::NAME
        );
        worst = worst.max(apart);
    }
    worst
}

fn twenty_steps<E: Element>() {
    let file = golden("optimizers.json");
    let initial = file["initial"].as_object().unwrap();
    let mut worst = 0.0f64;
    for (name, case) in file["cases"].as_object().unwrap() {
        let optimizer = optimizer::<E>(case);
        let mut weights: Vec<(&str, Tensor<E>)> = initial
            .iter()
            .map(|(name, value)| (name.as_str(), tensor(value)))
            .collect();
        let shapes = weights.iter().map(|(name, w)| (*name, Some(w.shape())));
        let mut state = State::for_weights(&*optimizer, shapes);
        let gradients = file["gradients"].as_array().unwrap();
        for (step, gradients) in (1..).zip(gradients) {
            let rate = optimizer.learning_rate_at(state.iterations);
            let all = weights.iter_mut().map(|(name, value)| Weight {
                gradient: Some(tensor(&gradients[*name])),
                value,
                penalty: Penalty::default(),
            });
            apply(&*optimizer, &mut state, rate, all).unwrap();
            if let Some(wanted) = case["after"].get(step.to_string()) {
                worst = worst.max(check(name, &format!("step {step}"), wanted, &weights));
            }
        }
        assert_eq!(state.iterations, 20);
        if let Some(wanted) = case["after"].get("averages") {
            state.swap_averages(weights.iter_mut().map(|(_, value)| value));
            worst = worst.max(check(name, "all", wanted, &weights));
        }
    }
    println!("{}: {worst:e} at most", E::NAME);
}

#[test]
fn twenty_steps_are_those_of_keras_in_f64() {
    twenty_steps::<f64>();
}

#[test]
fn twenty_steps_are_those_of_keras_in_f32() {
    twenty_steps::<f32>();
}

/// Of every row of the table, of every sample's ways, and of all that stands around a rule.
#[test]
fn no_optimizer_is_without_golden_numbers() {
    let file = golden("optimizers.json");
    let cases: Vec<&Value> = file["cases"].as_object().unwrap().values().collect();
    for row in optimizers::all::<f64>() {
        let of_class = || {
            cases
                .iter()
                .filter(|case| case["class_name"] == row.class_name)
        };
        let slots: Vec<_> = of_class()
            .map(|case| optimizer::<f64>(case).slots().to_vec())
            .collect();
        assert!(
            !slots.is_empty(),
            "{} has no golden numbers",
            row.class_name
        );
        for sample in (row.samples)() {
            // RMSprop's momentum and mean gradient have a file of their own kind: all of them at once is enough.
            let known = slots
                .iter()
                .any(|known| sample.slots().iter().all(|slot| known.contains(slot)));
            assert!(known, "{sample:?} has no golden numbers");
        }
        for setting in [
            "weight_decay",
            "use_ema",
            "ema_overwrite_frequency",
            "gradient_accumulation_steps",
            "global_clipnorm",
        ] {
            let given = |case: &&&Value| {
                case["config"]
                    .get(setting)
                    .is_some_and(|v| *v != json!(null))
            };
            assert!(
                of_class().any(|case| given(&case)),
                "{} without {setting}",
                row.class_name
            );
        }
    }
}

/// What Keras writes of an optimizer with its defaults is read as the one with ours.
#[test]
fn defaults_are_those_of_keras() {
    let file = golden("optimizers.json");
    let defaults = file["defaults"].as_object().unwrap();
    for row in optimizers::all::<f64>() {
        let keras = defaults.get(row.class_name).expect(row.class_name);
        let read = (row.from_config)(keras).unwrap();
        let ours = (row.from_config)(&Value::Null).unwrap();
        assert_eq!(read.config(), ours.config());
        let known = ours.config();
        for (name, value) in known.as_object().unwrap() {
            let numbers = value.as_f64().zip(keras[name].as_f64());
            let same = numbers.map_or(*value == keras[name], |(ours, keras)| ours == keras);
            assert!(
                same,
                "{} {name}: {value} is not {}",
                row.class_name, keras[name]
            );
        }
    }
}
