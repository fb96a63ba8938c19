//! `epochs`: how long every variant is trained.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;

#[derive(Debug, Serialize, Deserialize)]
struct Epochs(u64);

pub(super) static ROW: Row = Row {
    key: "epochs",
    about: "Passes over the training images",
    allowed: "a whole number, at least 1",
    places: &[Place::Study],
    part: Part::Course,
    absent: Absent::Refused,
    argument: Argument::One {
        flag: "epochs",
        value: "N",
    },
    quick: Some(2),
    file: file!(),
    read: read::<Epochs>,
};

impl Setting for Epochs {
    fn check(&self) -> Result<(), String> {
        must(self.0 >= 1, "it is 0")
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.epochs = self.0;
        Ok(())
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        Some(("Epochs", self.0.to_string()))
    }
}
