//! Constraints make of weights what Keras's do.

use super::{assert_all_have_cases, cases, golden, near, tensor};
use serde_json::json;
use taper_nn::{Constraint, constraints};
use taper_tensor::Element;

fn made<E: Element>() {
    let file = golden("constraints.json");
    for case in cases(&file) {
        let described = json!({"class_name": case["class_name"], "config": case["config"]});
        let constraint: Constraint = serde_json::from_value(described).unwrap();
        for (name, wanted) in case["made"].as_object().unwrap() {
            let mut weight = tensor::<E>(&file["weights"][name]);
            assert_eq!(constraint.check(weight.shape()), Ok(()));
            constraint.apply(&mut weight);
            near(
                &format!("{constraint:?} of {name}"),
                &weight,
                &tensor(wanted),
            );
        }
    }
}

#[test]
fn weights_become_what_keras_makes_of_them() {
    made::<f64>();
    made::<f32>();
}

#[test]
fn no_constraint_is_without_golden_numbers() {
    let classes = constraints::all().into_iter().map(|row| row.class_name);
    assert_all_have_cases(&golden("constraints.json"), classes);
}
