//! `set`: any options of a variant's layers, in Keras's words.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::{Plan, to_json};

#[derive(Debug, Serialize, Deserialize)]
struct Set(toml::Table);

pub(super) static ROW: Row = Row {
    key: "set",
    about: "Other options of the layers",
    allowed: "a table of options that the layers have, such as `{ activation = \"tanh\" }`",
    places: &[Place::Variant],
    part: Part::Layers,
    absent: Absent::Nothing,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: read::<Set>,
};

/// So long may the options be as TOML: they stand in every layer that the variant concerns.
const MOST_BYTES: usize = 1_000;

impl Setting for Set {
    fn check(&self) -> Result<(), String> {
        let length = self.0.to_string().len();
        must(
            length <= MOST_BYTES,
            format_args!("it has {length} bytes, more than the {MOST_BYTES} allowed"),
        )
    }

    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        for layer in plan.selected() {
            for (key, value) in &self.0 {
                layer.change(key, to_json(value))?;
            }
        }
        Ok(())
    }

    fn of_variant(&self) -> Option<String> {
        let options = self.0.iter();
        let options: Vec<String> = options
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        Some(options.join(", "))
    }
}
