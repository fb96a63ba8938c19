//! The base network of a study, in Keras's words.

use serde::{Deserialize, Serialize};

use super::wrong::{Wrong, first_duplicate};

/// The layers of the base network, first to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Shape of one image, without the batch axis.
    pub input_shape: Vec<usize>,
    /// The layers.
    pub layers: Vec<LayerSpec>,
}

/// One layer in Keras's words, such as `{ layer = "Dense", units = 128, activation = "relu" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Class name of the layer.
    pub layer: String,
    /// A name by which a variant's `on` can point at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether variants apply to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regularize: bool,
    /// Keras's options of the layer.
    #[serde(flatten)]
    pub options: toml::Table,
}

/// Every variant has layers of its own, so that their number counts as often as there are variants.
const MOST_LAYERS: usize = 1_000;

impl Network {
    /// What no type can say.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let fail = |key, message: String| Err(Wrong::at(&["network", key], message));
        if self.layers.is_empty() {
            return fail("layers", "it is empty; one layer is the least".into());
        }
        if self.layers.len() > MOST_LAYERS {
            let count = self.layers.len();
            return fail(
                "layers",
                format!("it has {count}, more than the {MOST_LAYERS} allowed"),
            );
        }
        if self.input_shape.is_empty() || self.input_shape.contains(&0) {
            let message = "it needs at least one dimension, and none may be 0";
            return fail("input_shape", message.into());
        }
        let names = self.layers.iter().filter_map(|layer| layer.name.as_ref());
        match first_duplicate(names) {
            Some(twice) => fail("layers", format!("two layers are named `{twice}`")),
            None => Ok(()),
        }
    }
}
