//! `optimizer`: which one a study uses, and what a variant changes in it.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, read};
use crate::study::plan::{Optimizer, Plan};

/// The optimizer of all variants that do not change it.
#[derive(Debug, Serialize, Deserialize)]
struct Base(Optimizer);

/// Options of the optimizer; with `class_name`, another optimizer.
#[derive(Debug, Serialize, Deserialize)]
struct Change(toml::Table);

pub(super) static ROW: Row = Row {
    key: "optimizer",
    about: "The optimizer by its class name, with its options beside it",
    allowed: "a table such as `{ class_name = \"Adam\", learning_rate = 0.001 }` (a variant may leave out `class_name`)",
    places: &[Place::Study, Place::Variant],
    part: Part::Step,
    absent: Absent::Refused,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: |value, place| match place {
        Place::Study => read::<Base>(value, place),
        Place::Variant => read::<Change>(value, place),
    },
};

impl Setting for Base {
    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.optimizer = self.0.clone();
        built(plan)
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        let Optimizer {
            class_name,
            options,
        } = &self.0;
        let text = match in_words(options) {
            options if options.is_empty() => class_name.clone(),
            options => format!("{class_name} ({options})"),
        };
        Some(("Optimizer", text))
    }
}

impl Setting for Change {
    fn check(&self) -> Result<(), String> {
        match self.0.get("class_name") {
            Some(toml::Value::String(_)) | None => Ok(()),
            Some(other) => Err(format!("`class_name` is {other}, which is no string")),
        }
    }

    fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        let Optimizer {
            class_name,
            options,
        } = &mut plan.optimizer;
        let mut changes = self.0.clone();
        if let Some(toml::Value::String(other)) = changes.remove("class_name")
            && other != *class_name
        {
            // Another optimizer starts from its own defaults; only the rate is common to all.
            options.retain(|key, _| key == "learning_rate");
            *class_name = other;
        }
        options.extend(changes);
        built(plan)
    }

    fn of_variant(&self) -> Option<String> {
        Some(format!("optimizer: {}", in_words(&self.0)))
    }
}

/// Whether there is such an optimizer with such options.
fn built(plan: &Plan) -> Result<(), String> {
    let built = plan.optimizer.build();
    built.map(|_| ()).map_err(|error| error.to_string())
}

fn in_words(options: &toml::Table) -> String {
    let options = options.iter();
    let options: Vec<String> = options
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    options.join(", ")
}
