//! `loss`: what is minimized, penalties aside.

use serde::{Deserialize, Serialize};

use super::row::{Absent, Argument, Part, Place, Row, Setting, read};
use crate::study::plan::{LossSpec, Plan, to_json};

/// A name, or a table of a name and settings.
#[derive(Debug, Serialize, Deserialize)]
struct Loss(toml::Value);

pub(super) static ROW: Row = Row {
    key: "loss",
    about: "The loss, as Keras spells it",
    allowed: "the name of a loss, such as \"categorical_crossentropy\", or a table with its settings, such as \
              `{ name = \"categorical_crossentropy\", label_smoothing = 0.1 }`",
    places: &[Place::Study, Place::Variant],
    part: Part::Step,
    absent: Absent::Is("categorical_crossentropy"),
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: read::<Loss>,
};

impl Loss {
    /// The name, which Keras calls `class_name`, and what else is said.
    fn spec(&self) -> Result<LossSpec, String> {
        let config = match &self.0 {
            toml::Value::String(name) => {
                return Ok(LossSpec {
                    name: name.clone(),
                    ..LossSpec::default()
                });
            }
            toml::Value::Table(table) => table,
            other => return Err(format!("it is {other}")),
        };
        let mut config = config.clone();
        let names = [config.remove("name"), config.remove("class_name")];
        let mut names = names.into_iter().flatten();
        let (Some(toml::Value::String(name)), None) = (names.next(), names.next()) else {
            return Err("it needs one `name`, a string".into());
        };
        let config = config
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)));
        Ok(LossSpec {
            name,
            config: config.collect(),
        })
    }

    fn in_words(&self) -> String {
        match self.spec() {
            Ok(spec) if spec.config.is_empty() => spec.name,
            Ok(spec) => {
                let settings = spec.config.iter();
                let settings: Vec<String> = settings.map(|(k, v)| format!("{k} = {v}")).collect();
                format!("{} ({})", spec.name, settings.join(", "))
            }
            Err(why) => why,
        }
    }
}

impl Setting for Loss {
    fn check(&self) -> Result<(), String> {
        self.spec().map(|_| ())
    }

    /// A variant's loss stands for itself: settings of the study's loss are not its.
    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.loss = self.spec()?;
        let built = plan.loss.build();
        built.map(|_| ()).map_err(|error| error.to_string())
    }

    fn of_variant(&self) -> Option<String> {
        Some(format!("loss: {}", self.in_words()))
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        Some(("Loss", self.in_words()))
    }
}

#[cfg(test)]
mod tests {
    use crate::study::{REGULARIZATION, Study};
    use serde_json::json;

    fn study(loss: &str, variant: &str) -> crate::Result<Study> {
        let named = "loss = \"categorical_crossentropy\"";
        assert!(REGULARIZATION.contains(named));
        let text = REGULARIZATION.replace(named, &format!("loss = {loss}"));
        Study::parse("s", &format!("{text}soft = {{ {variant} }}\n"))
    }

    #[test]
    fn a_loss_has_its_settings_in_studies_and_variants() {
        let table = "{ class_name = \"CategoricalCrossentropy\", label_smoothing = 0.1 }";
        let study = study(
            table,
            "loss = { name = \"binary_crossentropy\", label_smoothing = 0.2 }",
        );
        let study = study.expect("a study");
        let loss = |variant| {
            study
                .plan(variant)
                .expect("a plan")
                .loss
                .build()
                .expect("a loss")
        };
        assert_eq!(loss("l2").config(), json!({ "label_smoothing": 0.1 }));
        assert_eq!(loss("soft").name(), "binary_crossentropy");
        assert_eq!(loss("soft").config()["label_smoothing"], json!(0.2));
        let written = study.to_toml().expect("TOML");
        assert_eq!(Study::parse("again", &written).expect("the same"), study);
    }

    #[test]
    fn wrong_settings_are_refused_by_name() {
        for (loss, part) in [
            ("{ label_smoothing = 0.1 }", "name"),
            (
                "{ name = \"categorical_crossentropy\", label_smoothing = 1.5 }",
                "label_smoothing",
            ),
            (
                "{ name = \"categorical_crossentropy\", smoothing = 0.1 }",
                "smoothing",
            ),
            ("{ name = \"no_such_loss\" }", "no_such_loss"),
            ("{ name = 3 }", "name"),
        ] {
            let said = study(loss, "").expect_err("wrong").to_string();
            assert!(said.contains("`loss`") && said.contains(part), "{said}");
        }
    }
}
