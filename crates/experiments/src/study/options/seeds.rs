//! `seeds`: how often every variant is trained, and from which initial weights.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;
use crate::study::wrong::first_duplicate;

#[derive(Debug, Serialize, Deserialize)]
struct Seeds(Vec<u64>);

pub(super) static ROW: Row = Row {
    key: "seeds",
    about: "Train every variant with each of these seeds",
    allowed: "a list of different whole numbers from 0 to 2⁶³ − 1, such as `[0]`",
    places: &[Place::Study],
    part: Part::Course,
    absent: Absent::Refused,
    argument: Argument::List {
        flag: "seeds",
        value: "1,2,3",
    },
    quick: None,
    file: file!(),
    read: read::<Seeds>,
};

impl Setting for Seeds {
    fn check(&self) -> Result<(), String> {
        must(!self.0.is_empty(), "it is empty; one seed is enough")?;
        match first_duplicate(self.0.iter()) {
            Some(twice) => Err(format!("it has {twice} twice")),
            None => Ok(()),
        }
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.seeds.clone_from(&self.0);
        Ok(())
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        let seeds: Vec<String> = self.0.iter().map(u64::to_string).collect();
        Some(("Seeds", seeds.join(", ")))
    }
}
