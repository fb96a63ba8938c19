//! The learning rates of every schedule are those of Keras (or PyTorch, where Keras has none).

use super::{distance, golden, numbers};
use serde_json::{Value, json};
use taper_optim::{LearningRate, schedules};

#[test]
fn rates_are_those_of_keras() {
    let file = golden("schedules.json");
    let steps: Vec<u64> = file["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_u64().unwrap())
        .collect();
    for case in file["cases"].as_array().unwrap() {
        let class_name = case["class_name"].as_str().unwrap();
        let schedule = schedules::from_config(class_name, &case["config"]).unwrap();
        // What Keras itself writes of it is read as the same.
        if let Some(config) = case.get("keras_config") {
            let module = "keras.optimizers.schedules";
            let whole = json!({"class_name": class_name, "config": config, "module": module, "registered_name": null});
            assert_eq!(
                serde_json::from_value::<LearningRate>(whole).unwrap(),
                schedule
            );
        }
        for (&step, wanted) in steps.iter().zip(numbers(&case["rates"])) {
            let apart = distance(&[schedule.at(step)], &[wanted]);
            // Half a cosine ends at 0 but for rounding.
            let near = apart <= 1e-9 || (schedule.at(step) - wanted).abs() <= 1e-15;
            assert!(
                near,
                "{schedule:?} at {step}: {} is not {wanted}",
                schedule.at(step)
            );
        }
    }
}

#[test]
fn no_schedule_is_without_golden_numbers() {
    let file = golden("schedules.json");
    let cases: Vec<&Value> = file["cases"].as_array().unwrap().iter().collect();
    for row in schedules::all() {
        let known = cases
            .iter()
            .any(|case| case["class_name"] == row.class_name);
        assert!(known, "{} has no golden numbers", row.class_name);
    }
}
