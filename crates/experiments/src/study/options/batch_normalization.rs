//! `batch_normalization`: a BatchNormalization layer right behind each of a variant's layers, in front of `dropout`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_nn::{Seed, Sequential, layers};

use super::row::{Absent, Argument, Part, Place, Row, Setting, read};
use crate::study::plan::{Plan, to_json};

const CLASS: &str = "BatchNormalization";

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum BatchNormalization {
    /// With Keras's defaults, or not at all.
    Plain(bool),
    /// With these options.
    With(toml::Table),
}

pub(super) static ROW: Row = Row {
    key: "batch_normalization",
    about: "A BatchNormalization layer right behind each of the layers",
    allowed: "`true`, or a table of the layer's options such as `{ momentum = 0.9 }`",
    places: &[Place::Variant],
    part: Part::Layers,
    absent: Absent::Nothing,
    argument: Argument::None,
    quick: None,
    file: file!(),
    read: |value, place| match value {
        toml::Value::Boolean(_) | toml::Value::Table(_) => read::<BatchNormalization>(value, place),
        other => Err(format!("it is {other}")),
    },
};

impl BatchNormalization {
    /// The layer's options as the network has them.
    fn config(&self) -> Value {
        match self {
            BatchNormalization::Plain(_) => Value::Object(Default::default()),
            BatchNormalization::With(options) => to_json(&toml::Value::Table(options.clone())),
        }
    }
}

impl Setting for BatchNormalization {
    fn check(&self) -> Result<(), String> {
        // Of one channel, to have its numbers looked at.
        let built = Sequential::<f32>::new([1]);
        let built = layers::from_config::<f32>(CLASS, &self.config())
            .and_then(|layer| built.add_boxed(layer).build(Seed(0)));
        built.map(|_| ()).map_err(|error| error.to_string())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, BatchNormalization::Plain(false))
    }

    fn apply(&self, plan: &mut Plan) -> Result<(), String> {
        for layer in plan.selected() {
            layer.put_behind(CLASS, self.config());
        }
        Ok(())
    }

    fn of_variant(&self) -> Option<String> {
        let layer = match self {
            BatchNormalization::Plain(_) => CLASS.to_owned(),
            BatchNormalization::With(options) => {
                let options = options.iter();
                let options = options.map(|(key, value)| format!("{key} = {value}"));
                format!("{CLASS}({})", options.collect::<Vec<_>>().join(", "))
            }
        };
        Some(format!("{layer} after each of these layers"))
    }
}

#[cfg(test)]
mod tests {
    use crate::study::{REGULARIZATION, Study};
    use taper_tensor::Seed;

    /// The bundled study with one more variant.
    fn study(variant: &str) -> crate::Result<Study> {
        Study::parse("s", &format!("{REGULARIZATION}more = {{ {variant} }}\n"))
    }

    fn classes(study: &Study) -> Vec<String> {
        let network = study.network_of("more").expect("a variant");
        let layers = network["config"]["layers"].as_array().expect("layers");
        let class = |layer: &serde_json::Value| layer["class_name"].as_str().map(str::to_owned);
        layers.iter().filter_map(class).collect()
    }

    #[test]
    fn it_stands_behind_the_layers_and_in_front_of_dropout() {
        let study = study("dropout = 0.5, batch_normalization = { momentum = 0.9 }").expect("one");
        let classes = classes(&study);
        let convolution = ["Conv2D", "BatchNormalization", "Dropout"];
        assert_eq!(classes[1..7], convolution.repeat(2));
        let model = study.build("more", Seed(0)).expect("a network");
        let moments = model
            .parameters()
            .iter()
            .filter(|p| p.name.contains("moving_mean"))
            .count();
        assert_eq!(moments, 4);
        let written = study.to_toml().expect("TOML");
        assert_eq!(Study::parse("again", &written).expect("the same"), study);
        let options = &study.variants.get("more").expect("a variant").options;
        let told = options.get("batch_normalization").expect("it is given");
        assert_eq!(
            told.setting().of_variant().as_deref(),
            Some("BatchNormalization(momentum = 0.9) after each of these layers")
        );
    }

    #[test]
    fn false_is_as_if_it_were_not_there() {
        let off = study("batch_normalization = false").expect("a study");
        assert_eq!(off, study("").expect("a study"));
        let on = study("batch_normalization = true").expect("a study");
        assert_eq!(classes(&on).len(), classes(&off).len() + 4);
    }

    #[test]
    fn what_the_layer_does_not_know_is_refused() {
        for (variant, parts) in [
            (
                "batch_normalization = { momentun = 0.9 }",
                ["momentun", "`momentum`"],
            ),
            (
                "batch_normalization = { momentum = \"much\" }",
                ["much", "such as"],
            ),
            ("batch_normalization = 1", ["it is 1", "`true`"]),
        ] {
            let said = study(variant).expect_err("wrong").to_string();
            for part in parts
                .into_iter()
                .chain(["line ", "variants.more.batch_normalization"])
            {
                assert!(said.contains(part), "no {part:?} in: {said}");
            }
        }
    }
}
