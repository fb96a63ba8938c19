//! `loss`: what is minimized, penalties aside.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, read};
use crate::study::plan::{LossSpec, Plan};

#[derive(Debug, Serialize, Deserialize)]
struct Loss(String);

pub(super) static ROW: Row = Row {
    key: "loss",
    about: "The loss, as Keras spells it",
    allowed: "the name of a loss, such as \"categorical_crossentropy\"",
    places: &[Place::Study],
    part: Part::Step,
    absent: Absent::Is("categorical_crossentropy"),
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: read::<Loss>,
};

impl Setting for Loss {
    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.loss = LossSpec {
            name: self.0.clone(),
            ..LossSpec::default()
        };
        let built = plan.loss.build();
        built.map(|_| ()).map_err(|error| error.to_string())
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        Some(("Loss", self.0.clone()))
    }
}
