//! What the table promises of every schedule: its JSON, and rates that are ones.

use super::*;
use std::path::Path;

pub(super) fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12, "{a} is not {b}");
}

#[test]
fn json_is_that_of_keras() {
    let exponential = json!({"class_name": "ExponentialDecay", "config":
        {"initial_learning_rate": 0.1, "decay_steps": 10.0, "decay_rate": 0.5, "staircase": false}});
    for value in [json!(0.001), exponential] {
        let rate: LearningRate = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&rate).unwrap(), value);
    }
    let error = |value: Value| {
        serde_json::from_value::<LearningRate>(value)
            .unwrap_err()
            .to_string()
    };
    for (value, expected) in [
        (json!({"class_name": "Steps"}), "missing field `config`"),
        (json!({"class_name": "Steps"}), "CosineDecay"),
        (json!({"class_name": "Steps", "config": {}}), "CosineDecay"),
        (
            json!({"class_name": "Steps", "config": {}}),
            "no schedule is called \"Steps\"",
        ),
        (
            json!({"class_name": "CosineDecay", "config": {}, "to": 0}),
            "unknown field `to`",
        ),
        (
            json!({"class_name": "CosineDecay", "config": {}}),
            "CosineDecay: missing field",
        ),
        (json!("fast"), "a number"),
        (Value::Null, "a number"),
    ] {
        let error = error(value);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_file_is_missing_from_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schedules");
    let mut rows: Vec<_> = all()
        .iter()
        .map(|row| row.file.rsplit(['/', '\\']).next().unwrap())
        .collect();
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "mod.rs" && name != "tests.rs")
        .collect();
    rows.sort_unstable();
    files.sort_unstable();
    assert_eq!(files, rows);
}

#[test]
fn every_schedule_survives_json() {
    for row in all() {
        let sample = (row.sample)();
        let text = serde_json::to_string(&sample).unwrap();
        let again: LearningRate = serde_json::from_str(&text).unwrap();
        let LearningRate::Schedule(schedule) = &again else {
            panic!("{text} is a number");
        };
        assert_eq!(schedule.class_name(), row.class_name);
        assert_eq!(again, sample);
        assert_eq!(format!("{again:?}"), format!("{sample:?}"));
        assert!(sample.check().is_ok(), "{sample:?}");
        for steps in [0, 1, 7, 60, 1000, 1_000_000] {
            let rate = sample.at(steps);
            assert!(
                rate >= 0.0 && rate.is_finite(),
                "{sample:?} at {steps}: {rate}"
            );
            assert_eq!(again.at(steps), rate);
        }
    }
}

/// What checkpoints and study files of earlier versions hold reads and writes as it did.
#[test]
fn descriptions_stay_valid() {
    for text in [
        r#"{"class_name":"CosineDecay","config":{"alpha":0.0,"decay_steps":100.0,"initial_learning_rate":0.01,"warmup_steps":0.0,"warmup_target":null}}"#,
        r#"{"class_name":"ExponentialDecay","config":{"decay_rate":0.5,"decay_steps":10.0,"initial_learning_rate":0.1,"staircase":false}}"#,
        r#"{"class_name":"PiecewiseConstantDecay","config":{"boundaries":[3],"values":[0.1,0.07]}}"#,
    ] {
        let rate: LearningRate = serde_json::from_str(text).unwrap();
        assert_eq!(json!(rate).to_string(), text);
    }
    let short = json!({"class_name": "CosineDecay", "config": {"initial_learning_rate": 1, "decay_steps": 100}});
    let rate: LearningRate = serde_json::from_value(short).unwrap();
    assert_eq!(rate, CosineDecay::new(1.0, 100.0).into());
}

#[test]
fn nonsense_is_found() {
    let nonsense: [LearningRate; 6] = [
        (-0.1).into(),
        f64::NAN.into(),
        ExponentialDecay::new(0.1, 0.0, 0.5).into(),
        CosineDecay::new(0.1, -1.0).into(),
        PiecewiseConstantDecay::new([5, 3], [0.1, 0.2, 0.3]).into(),
        PiecewiseConstantDecay::new([5], [0.1]).into(),
    ];
    for rate in nonsense {
        assert!(rate.check().is_err(), "{rate:?}");
    }
}
