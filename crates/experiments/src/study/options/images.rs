//! `train_size`, `test_size`: how many images of the data set are used.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;

#[derive(Debug, Serialize, Deserialize)]
struct TrainSize(usize);

#[derive(Debug, Serialize, Deserialize)]
struct TestSize(usize);

pub(super) static TRAIN: Row = Row {
    key: "train_size",
    about: "Train on the first N images only",
    allowed: "a whole number, at least 1 (left out for all images)",
    places: &[Place::Study],
    part: Part::Data,
    absent: Absent::Nothing,
    argument: Argument::One {
        flag: "train-size",
        value: "N",
    },
    quick: Some(6_000),
    file: file!(),
    read: read::<TrainSize>,
};

pub(super) static TEST: Row = Row {
    key: "test_size",
    about: "Validate on the first N images only",
    argument: Argument::One {
        flag: "test-size",
        value: "N",
    },
    quick: Some(1_000),
    read: read::<TestSize>,
    ..TRAIN
};

impl Setting for TrainSize {
    fn check(&self) -> Result<(), String> {
        must(self.0 >= 1, "it is 0")
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.train_size = Some(self.0);
        Ok(())
    }
}

impl Setting for TestSize {
    fn check(&self) -> Result<(), String> {
        must(self.0 >= 1, "it is 0")
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.test_size = Some(self.0);
        Ok(())
    }
}
