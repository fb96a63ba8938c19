//! What the table promises of every constraint.

use super::*;
use crate::layers::{Conv2D, Dense};
use crate::testing::assert_complete;
use crate::{Describe, Seed, Sequential};
use serde_json::json;

#[test]
fn no_file_is_missing_from_the_table() {
    let mut rows: Vec<&str> = all().iter().map(|row| row.file).collect();
    rows.push("axes.rs"); // what norms have in common
    assert_complete("constraints", &rows);
}

/// What a weight has been made to be, it is; what is no number is not hidden.
#[test]
fn a_second_time_changes_nothing() {
    for row in all() {
        for case in 0..50 {
            let mut sampler = Sampler::new(6, case);
            let constraint = (row.sample)(&mut sampler);
            let shape = [sampler.integer(1, 5), sampler.integer(1, 5)];
            assert_eq!(constraint.check(&shape), Ok(()), "{constraint:?}");
            let mut once = sampler.away_from_zero(&shape);
            constraint.apply(&mut once);
            let mut twice = once.clone();
            constraint.apply(&mut twice);
            let apart = once.max_abs_difference(&twice).unwrap();
            assert!(apart <= 1e-5, "{constraint:?}: {apart}");
            let mut broken = Tensor::full(shape, f64::NAN);
            constraint.apply(&mut broken);
            assert!(broken.to_vec().iter().all(|w| w.is_nan()), "{constraint:?}");
            let mut zeros = Tensor::<f64>::zeros(shape);
            constraint.apply(&mut zeros);
            assert_eq!(zeros.magnitude(), 0.0);
        }
    }
}

#[test]
fn a_number_grows_only_where_it_is_said() {
    for row in all() {
        let mut grew = false;
        for case in 0..50 {
            let mut sampler = Sampler::new(7, case);
            let constraint = (row.sample)(&mut sampler);
            let before = sampler.tensor(&[4, 3]).scale(0.1);
            let mut after = before.clone();
            constraint.apply(&mut after);
            grew |= after.magnitude() > before.magnitude();
            assert!(constraint.may_enlarge() || !grew, "{constraint:?}");
        }
        assert_eq!(
            grew,
            (row.sample)(&mut Sampler::new(7, 0)).may_enlarge(),
            "{}",
            row.class_name
        );
    }
}

#[test]
fn they_are_read_in_three_ways_and_written_in_one() {
    let read = |value: Value| serde_json::from_value::<Constraint>(value);
    for (ways, constraint, written) in [
        (
            vec![
                json!("non_neg"),
                json!({"non_neg": {}}),
                json!({"class_name": "NonNeg", "config": {}}),
            ],
            Constraint::NonNeg,
            json!("non_neg"),
        ),
        (
            vec![
                json!("max_norm"),
                json!({"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0},
                "module": "keras.constraints", "registered_name": null}),
            ],
            MaxNorm::new(2.0).into(),
            json!({"max_norm": {"max_value": 2.0, "axis": 0}}),
        ),
        (
            vec![json!({"unit_norm": {"axis": [0, 1]}})],
            UnitNorm::default().axis([0, 1]).into(),
            json!({"unit_norm": {"axis": [0, 1]}}),
        ),
        (
            vec![json!({"min_max_norm": {"rate": 0.5}})],
            MinMaxNorm::default().rate(0.5).into(),
            json!({"min_max_norm": {"min_value": 0.0, "max_value": 1.0, "rate": 0.5, "axis": 0}}),
        ),
    ] {
        for way in ways {
            assert_eq!(read(way).unwrap(), constraint);
        }
        assert_eq!(json!(constraint), written);
        assert_eq!(read(written).unwrap(), constraint);
    }
    for (odd, part) in [
        (json!("max_nrom"), "max_norm"),
        (json!({"max_norm": {"max": 2}}), "max"),
        (json!({"max_norm": {"max_value": "much"}}), "max_value"),
        (json!({"max_norm": {"axis": 1.5}}), "axis"),
        (json!({"class_name": "NonNeg", "settings": {}}), "settings"),
        (json!(3), "a constraint"),
    ] {
        let error = read(odd).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// A layer tells them of its weights, checks them, and carries them in its description.
#[test]
fn layers_have_them() {
    let dense = Dense::new(3)
        .kernel_constraint(MaxNorm::new(1.0))
        .bias_constraint(NonNeg);
    let conv = Conv2D::new(3, 2).kernel_constraint(UnitNorm::default().axis([0, 1, 2]));
    let model = Sequential::new([4, 4, 1])
        .add(conv.clone())
        .add(crate::layers::Flatten)
        .add(dense.clone())
        .build(Seed(1))
        .unwrap();
    let constraints: Vec<_> = model
        .parameters()
        .iter()
        .map(|p| p.constraint.clone())
        .collect();
    let wanted = [
        conv.kernel_constraint,
        None,
        dense.kernel_constraint.clone(),
        dense.bias_constraint.clone(),
    ];
    assert_eq!(constraints, wanted);
    let config = dense.config();
    assert_eq!(
        config["kernel_constraint"],
        json!({"max_norm": {"max_value": 1.0, "axis": 0}})
    );
    let again = crate::layers::from_config::<f32>("Dense", &config).unwrap();
    assert_eq!(again.constraint("bias"), Some(Constraint::NonNeg));
    // As it was before there were any.
    assert!(Dense::new(3).config().get("kernel_constraint").is_none());

    let refused = |dense: Dense, part: &str| {
        let built = Sequential::new([4]).add(dense).build(Seed(1));
        let error = built.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(
        dense.clone().kernel_constraint(MaxNorm::new(-1.0)),
        "kernel_constraint: max_value is -1",
    );
    refused(
        dense.clone().kernel_constraint(MaxNorm::new(f64::NAN)),
        "max_value is NaN",
    );
    refused(
        dense.clone().bias_constraint(UnitNorm::default().axis(1)),
        "bias_constraint: axis is 1",
    );
    refused(
        dense
            .clone()
            .kernel_constraint(UnitNorm::default().axis([0, -2])),
        "each may stand once",
    );
    refused(
        dense.clone().kernel_constraint(MinMaxNorm::new(2.0, 1.0)),
        "min_value is 2.0",
    );
    refused(
        dense.kernel_constraint(MinMaxNorm::new(0.0, 1.0).rate(1.5)),
        "rate is 1.5",
    );
}
