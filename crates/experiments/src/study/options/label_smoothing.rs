//! `label_smoothing`: targets that are a little less sure (Szegedy et al. 2016).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::row::{Absent, Argument, Part, Place, Row, Setting, must, read};
use crate::study::plan::Plan;

/// How much of a target is spread over all classes.
#[derive(Debug, Serialize, Deserialize)]
struct LabelSmoothing(f64);

pub(super) static ROW: Row = Row {
    key: "label_smoothing",
    about: "How much of a target is spread over all classes",
    allowed: "a number from 0 (nothing) to 1",
    places: &[Place::Study, Place::Variant],
    part: Part::Step,
    absent: Absent::Nothing,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: read::<LabelSmoothing>,
};

impl Setting for LabelSmoothing {
    fn check(&self) -> Result<(), String> {
        must(
            (0.0..=1.0).contains(&self.0),
            format_args!("it is {}", self.0),
        )
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        plan.loss
            .config
            .insert("label_smoothing".into(), json!(self.0));
        let allowed = "it goes with categorical_crossentropy and binary_crossentropy";
        let built = plan.loss.build();
        built
            .map(|_| ())
            .map_err(|error| format!("{error}; {allowed}"))
    }

    fn of_variant(&self) -> Option<String> {
        Some(format!("label smoothing {}", self.0))
    }

    fn of_study(&self) -> Option<(&'static str, String)> {
        Some(("Label smoothing", self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use crate::study::{REGULARIZATION, Study};
    use serde_json::json;

    /// The bundled study with two more lines, one of its own and one of a variant.
    fn study(line: &str, variant: &str) -> crate::Result<Study> {
        let text = REGULARIZATION.replace("epochs = 8", &format!("epochs = 8\n{line}"));
        Study::parse("s", &format!("{text}soft = {{ {variant} }}\n"))
    }

    #[test]
    fn it_reaches_the_loss_of_its_variant_and_of_no_other() {
        let study = study("", "label_smoothing = 0.1").expect("a study");
        let config = |variant| study.plan(variant).expect("a plan").loss.config;
        assert!(config("baseline").is_empty());
        assert_eq!(config("soft")["label_smoothing"], json!(0.1));
        let loss = study.plan("soft").expect("a plan").loss.build();
        let loss = loss.expect("a loss").config();
        assert_eq!(loss, json!({ "label_smoothing": 0.1 }));

        let written = study.to_toml().expect("TOML");
        assert!(written.contains("label_smoothing = 0.1"), "{written}");
        assert_eq!(Study::parse("again", &written).expect("the same"), study);
    }

    #[test]
    fn a_variant_can_take_back_what_the_study_says() {
        let study = study("label_smoothing = 0.2", "label_smoothing = 0").expect("a study");
        let config = |variant| study.plan(variant).expect("a plan").loss.config;
        assert_eq!(config("l2")["label_smoothing"], json!(0.2));
        assert_eq!(config("soft")["label_smoothing"], json!(0.0));
        let told = |of: &crate::study::options::Options| {
            let given = of.get("label_smoothing").expect("it is given");
            (given.setting().of_study(), given.setting().of_variant())
        };
        let base = told(study.options()).0;
        assert_eq!(base, Some(("Label smoothing", "0.2".to_owned())));
        let soft = told(&study.variants.get("soft").expect("a variant").options).1;
        assert_eq!(soft.as_deref(), Some("label smoothing 0"));
    }

    #[test]
    fn other_values_and_other_losses_are_refused() {
        for (line, variant, parts) in [
            (
                "",
                "label_smoothing = 1.5",
                ["variants.soft.label_smoothing", "from 0"],
            ),
            ("", "label_smoothing = nan", ["NaN", "to 1"]),
            ("", "label_smoothing = true", ["boolean", "from 0"]),
            (
                "label_smoothing = -0.1",
                "",
                ["line 14: `label_smoothing`", "-0.1"],
            ),
        ] {
            let said = study(line, variant).expect_err("wrong").to_string();
            for part in parts {
                assert!(said.contains(part), "no {part:?} in: {said}");
            }
        }
        let text = REGULARIZATION.replace("categorical_crossentropy", "mean_squared_error");
        let text = format!("{text}soft = {{ label_smoothing = 0.1 }}\n");
        let said = Study::parse("s", &text).expect_err("wrong").to_string();
        for part in [
            "MeanSquaredError",
            "variants.soft.label_smoothing",
            "binary_crossentropy",
        ] {
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
    }
}
