//! `dropout`: a Dropout layer right behind each of a variant's layers.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;

/// The share of outputs that is silenced.
#[derive(Debug, Serialize, Deserialize)]
struct Dropout(f64);

pub(super) static ROW: Row = Row {
    key: "dropout",
    about: "Rate of a Dropout layer right behind each of the layers",
    allowed: "the share that is silenced, a number that is at least 0 and below 1",
    places: &[Place::Variant],
    part: Part::Layers,
    absent: Absent::Nothing,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: read::<Dropout>,
};

impl Setting for Dropout {
    fn check(&self) -> Result<(), String> {
        must(
            (0.0..1.0).contains(&self.0),
            format_args!("it is {}", self.0),
        )
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        for layer in plan.selected() {
            layer.put_behind("Dropout", json!({ "rate": self.0 }));
        }
        Ok(())
    }

    fn of_variant(&self) -> Option<String> {
        Some(format!("Dropout({}) after each of these layers", self.0))
    }
}
