//! What initializers draw has the statistics of what Keras's draw.

use super::{assert_all_have_cases, cases, golden};
use serde_json::{Value, json};
use taper_nn::{Initializer, Seed, initializers};
use taper_tensor::{Element, Tensor};

fn drawn<E: Element>(case: &Value, seed: u64) -> (Initializer, Tensor<E>) {
    let described = json!({"class_name": case["class_name"], "config": case["config"]});
    let initializer: Initializer = serde_json::from_value(described).unwrap();
    let shape = case["shape"].as_array().unwrap().iter();
    let shape: Vec<usize> = shape.map(|n| n.as_u64().unwrap() as usize).collect();
    assert_eq!(initializer.check::<E>(&shape), Ok(()));
    (initializer, initializer.tensor(&shape, Seed(seed), 3))
}

fn statistics<E: Element>() {
    let file = golden("initializers.json");
    for case in cases(&file) {
        let (initializer, tensor) = drawn::<E>(case, 11);
        let values = tensor.cast::<f64>().to_vec();
        let number = |name: &str| case[name].as_f64().unwrap();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        // Of two draws, each of which strays: five deviations of a difference.
        let stray = 5.0 * (2.0 * number("variance") / count).sqrt() + 1e-7 * mean.abs();
        let apart = (mean - number("mean")).abs();
        assert!(apart <= stray, "{initializer:?}: mean {mean}");
        // The fourth moment of a normal is three squares of its variance.
        let stray = 5.0 * (2.0 * 2.0 / count).sqrt() * number("variance") + 1e-13;
        let apart = (variance - number("variance")).abs();
        assert!(apart <= stray, "{initializer:?}: variance {variance}");
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if let Some(bounds) = case["bounds"].as_array() {
            let [low, high] = [0, 1].map(|i| bounds[i].as_f64().unwrap());
            let room = 1e-6 * (high - low) + 1e-7 * high.abs();
            assert!(
                low - room <= least && largest <= high + room,
                "{initializer:?}: {least}, {largest}"
            );
            // As far as Keras's draws go.
            let reaches =
                |ours: f64, keras: f64| (ours - keras).abs() <= 0.02 * (high - low) + room;
            let spread = case["class_name"] != "Orthogonal";
            let both = reaches(least, number("least")) && reaches(largest, number("largest"));
            assert!(both || !spread, "{initializer:?}: {least}, {largest}");
        }
    }
}

#[test]
fn draws_are_spread_like_those_of_keras() {
    statistics::<f64>();
    statistics::<f32>();
}

/// Rows or columns, whichever are fewer, have the length asked for, and are at right angles.
#[test]
fn orthogonal_is_orthogonal() {
    for shape in [
        vec![30, 20],
        vec![20, 30],
        vec![3, 3, 4, 16],
        vec![7, 7],
        vec![1, 9],
        vec![9, 1],
    ] {
        let drawn = Initializer::Orthogonal { gain: 1.5 }.tensor::<f64>(&shape, Seed(5), 0);
        let columns = shape[shape.len() - 1];
        let matrix = drawn.reshape([drawn.len() / columns, columns]).unwrap();
        let rows = if matrix.shape()[0] > columns {
            matrix.transpose()
        } else {
            matrix
        };
        let square = rows.matmul(&rows.transpose()).unwrap();
        let side = square.shape()[0];
        for (i, value) in square.to_vec().into_iter().enumerate() {
            let wanted = if i % side == i / side { 2.25 } else { 0.0 };
            assert!((value - wanted).abs() <= 1e-13, "{shape:?}: {value}");
        }
    }
    let refused =
        |initializer: Initializer, shape: &[usize]| initializer.check::<f32>(shape).unwrap_err();
    assert!(refused(Initializer::Orthogonal { gain: 1.0 }, &[4]).contains("two axes"));
    assert!(refused(Initializer::Identity { gain: 1.0 }, &[4, 4, 4]).contains("matrices"));
}

#[test]
fn no_initializer_is_without_golden_numbers() {
    let classes = initializers::all().into_iter().map(|row| row.class_name);
    assert_all_have_cases(&golden("initializers.json"), classes);
}

/// By name, with settings, and as Keras writes it; and what was written before reads as it did.
#[test]
fn they_are_read_in_three_ways() {
    let read = |value: Value| serde_json::from_value::<Initializer>(value);
    for row in initializers::all() {
        let class =
            json!({"class_name": row.class_name, "config": {}, "module": "keras.initializers"});
        assert_eq!(read(class).unwrap(), row.default, "{}", row.class_name);
        let written = json!(row.default);
        assert_eq!(read(written.clone()).unwrap(), row.default, "{written}");
    }
    let scaling =
        json!({"variance_scaling": {"scale": 2, "mode": "fan_out", "distribution": "uniform"}});
    assert_eq!(
        json!(read(scaling.clone()).unwrap())["variance_scaling"]["mode"],
        "fan_out"
    );
    let seeded = json!({"class_name": "HeNormal", "config": {"seed": 3}});
    assert_eq!(read(seeded).unwrap(), Initializer::HeNormal);
    for (odd, part) in [
        (json!("he_nromal"), "he_normal"),
        (json!({"random_normal": {"std": 1}}), "std"),
        (json!({"random_normal": {"stddev": "wide"}}), "stddev"),
        (json!({"constant": "much"}), "constant"),
        (json!({"glorot_uniform": {"gain": 1}}), "gain"),
        (json!({"variance_scaling": {"mode": "fan"}}), "fan"),
        (json!(7), "an initializer"),
    ] {
        let error = read(odd).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused_by_name() {
    use taper_nn::initializers::{Distribution, Fan};
    for odd in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        let scaling = Initializer::VarianceScaling {
            scale: odd,
            mode: Fan::FanIn,
            distribution: Distribution::Uniform,
        };
        let all = [
            (
                Initializer::RandomNormal {
                    mean: 0.0,
                    stddev: odd,
                },
                "stddev",
            ),
            (
                Initializer::TruncatedNormal {
                    mean: 0.0,
                    stddev: odd,
                },
                "stddev",
            ),
            (
                Initializer::RandomUniform {
                    minval: 0.0,
                    maxval: odd,
                },
                "maxval",
            ),
            (scaling, "scale"),
        ];
        for (initializer, name) in all {
            let fault = initializer.check::<f32>(&[3, 4]).unwrap_err();
            assert!(fault.contains(name), "{initializer:?}: {fault}");
        }
    }
    for odd in [f64::NAN, f64::INFINITY, 1e300] {
        for initializer in [
            Initializer::Orthogonal { gain: odd },
            Initializer::Identity { gain: odd },
            Initializer::RandomNormal {
                mean: odd,
                stddev: 0.1,
            },
            Initializer::Constant(odd),
        ] {
            assert!(
                initializer.check::<f32>(&[3, 4]).is_err(),
                "{initializer:?}"
            );
        }
    }
}
