//! `kernel_regularizer`, `bias_regularizer`, `activity_regularizer`: penalties in a variant's layers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::row::{Absent, Argument, Part, Place, Row, Setting, Understood, must};
use crate::study::plan::Plan;

/// l1·Σ|w| + l2·Σw², written `{ l2 = 0.01 }`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Penalty {
    #[serde(skip_serializing_if = "is_zero")]
    l1: f64,
    #[serde(skip_serializing_if = "is_zero")]
    l2: f64,
}

/// A penalty on one kind of values.
#[derive(Debug)]
struct Regularizer {
    key: &'static str,
    /// What is penalized, for the page.
    of: &'static str,
    penalty: Penalty,
}

pub(super) static KERNEL: Row = Row {
    key: "kernel_regularizer",
    about: "Penalty on the kernels of the layers",
    read: |value, _| regularizer("kernel_regularizer", "kernels", value),
    ..ROW
};

pub(super) static BIAS: Row = Row {
    key: "bias_regularizer",
    about: "Penalty on the biases of the layers",
    read: |value, _| regularizer("bias_regularizer", "biases", value),
    ..ROW
};

pub(super) static ACTIVITY: Row = Row {
    key: "activity_regularizer",
    about: "Penalty on the outputs of the layers",
    read: |value, _| regularizer("activity_regularizer", "outputs", value),
    ..ROW
};

/// What the three have in common.
const ROW: Row = Row {
    key: "",
    about: "",
    allowed: "a table such as `{ l1 = 0.0005, l2 = 0.01 }`, one or both, finite and not negative",
    places: &[Place::Variant],
    part: Part::Layers,
    absent: Absent::Nothing,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: |_, _| Err(String::new()),
};

fn regularizer(
    key: &'static str,
    of: &'static str,
    value: &toml::Value,
) -> Result<Understood, String> {
    let penalty: Penalty = value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let Penalty { l1, l2 } = penalty;
    let sound = |factor: f64| factor.is_finite() && factor >= 0.0;
    must(
        sound(l1) && sound(l2),
        format_args!("it has l1 = {l1}, l2 = {l2}"),
    )?;
    let value = toml::Value::try_from(penalty).map_err(|error| error.to_string())?;
    Ok((value, Arc::new(Regularizer { key, of, penalty })))
}

impl Setting for Regularizer {
    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        let Penalty { l1, l2 } = self.penalty;
        plan.selected()
            .try_for_each(|layer| layer.change(self.key, json!({ "l1": l1, "l2": l2 })))
    }

    fn of_variant(&self) -> Option<String> {
        let factors = [("L1", self.penalty.l1), ("L2", self.penalty.l2)];
        let parts: Vec<String> = factors
            .iter()
            .filter(|(_, factor)| *factor > 0.0)
            .map(|(name, factor)| format!("{name}({factor}) on {}", self.of))
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
