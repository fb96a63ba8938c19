//! `batch_size`: how many images a step is made from.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;

#[derive(Debug, Serialize, Deserialize)]
struct BatchSize(usize);

pub(super) static ROW: Row = Row {
    key: "batch_size",
    about: "Images a step",
    allowed: "a whole number, at least 1 and at most 4294967295",
    places: &[Place::Study, Place::Variant],
    part: Part::Step,
    absent: Absent::Refused,
    argument: Argument::One {
        flag: "batch-size",
        value: "N",
    },
    quick: None,
    file: file!(),
    read: read::<BatchSize>,
};

impl Setting for BatchSize {
    fn check(&self) -> Result<(), String> {
        let allowed = (1..=u32::MAX as usize).contains(&self.0);
        must(allowed, format_args!("it is {}", self.0))
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.batch_size = self.0;
        Ok(())
    }

    fn of_variant(&self) -> Option<String> {
        Some(format!("batches of {}", self.0))
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        Some(("Batch size", self.0.to_string()))
    }
}
