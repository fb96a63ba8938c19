//! Every optimizer against its formula written out, and against what its table promises.

use super::*;
use crate::schedules::ExponentialDecay;
use crate::{Penalty, State, Weight, apply};
use std::path::Path;
use taper_tensor::Tensor;

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
fn compare(optimizer: &dyn Optimizer<f64>, mut expected: impl FnMut(f64, f64, i32) -> f64) {
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

#[test]
fn sgd_is_keras_sgd() {
    compare(&SGD::new(0.1), |w, g, _| w - 0.1 * g);
    let (mut plain, mut ahead) = (0.0, 0.0);
    compare(&SGD::new(0.1).momentum(0.9), |w, g, _| {
        plain = 0.9 * plain - 0.1 * g;
        w + plain
    });
    compare(&SGD::new(0.1).momentum(0.9).nesterov(true), |w, g, _| {
        ahead = 0.9 * ahead - 0.1 * g;
        w + 0.9 * ahead - 0.1 * g
    });
}

fn keras_adam(rate: impl Fn(i32) -> f64, decay: f64) -> impl FnMut(f64, f64, i32) -> f64 {
    let (mut m, mut v) = (0.0, 0.0);
    move |w, g, t| {
        let rate = rate(t);
        m += (g - m) * 0.1;
        v += (g * g - v) * 0.001;
        let alpha = rate * (1.0 - 0.999f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
        w - w * decay * rate - alpha * m / (f64::sqrt(v) + 1e-7)
    }
}

#[test]
fn adam_and_adamw_are_those_of_keras() {
    compare(&Adam::new(0.01), keras_adam(|_| 0.01, 0.0));
    compare(
        &AdamW::new(0.01).weight_decay(0.3),
        keras_adam(|_| 0.01, 0.3),
    );
    let decay = ExponentialDecay::new(0.1, 1.0, 0.5);
    compare(
        &AdamW::new(decay),
        keras_adam(|t| 0.1 * 0.5f64.powi(t - 1), 0.004),
    );
}

#[test]
fn adam_survives_more_steps_than_an_i32_counts() {
    let how = Adam::default().settings.step(u64::MAX, 0.001, 0.0);
    assert_eq!(how.alpha, 0.001);
}

#[test]
fn descriptions_survive_json() {
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
fn defaults_are_those_of_keras() {
    let config = |class| from_config::<f32>(class, &Value::Null).unwrap().config();
    let adam = json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7});
    assert_eq!(config("Adam"), adam);
    assert_eq!(config("AdamW")["weight_decay"], 0.004);
    assert_eq!(
        config("SGD"),
        json!({"learning_rate": 0.01, "momentum": 0.0, "nesterov": false})
    );
    assert_eq!(Optimizer::<f32>::config(&Adam::default()), adam);
}

#[test]
fn nonsense_is_refused_with_reasons() {
    let error = |class, config: Value| from_config::<f32>(class, &config).unwrap_err().to_string();
    assert!(error("Adamax", json!({})).contains("Adam, AdamW, SGD"));
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

/// Every optimizer finds the bottom of a bowl, in f32 and f64.
#[test]
fn every_optimizer_goes_down() {
    fn descend<E: Element>() {
        for row in all::<E>() {
            let optimizer = (row.from_config)(&json!({"learning_rate": 0.05})).unwrap();
            let mut w = Tensor::<E>::from_fn([40], |i| E::from_f64(i as f64 / 20.0 - 1.0));
            let mut state = State::new(&*optimizer, [Some(&[40][..])]);
            for _ in 0..300 {
                let gradient = Some(w.clone());
                let weight = Weight {
                    value: &mut w,
                    gradient,
                    penalty: Penalty::default(),
                };
                apply(&*optimizer, &mut state, 0.05, [weight]).unwrap();
            }
            let largest = w
                .to_vec()
                .into_iter()
                .map(|w| w.to_f64().abs())
                .fold(0.0, f64::max);
            assert!(largest <= 0.01, "{}: {largest}", row.class_name);
        }
    }
    descend::<f32>();
    descend::<f64>();
}
