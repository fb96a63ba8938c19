//! How one variant is trained: what the options of the study and of the variant come to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taper_nn::{Loss, losses};
use taper_optim::optimizers;

use super::network::{LayerSpec, Network};

/// How one variant is trained. Options fill it: first the study's, then the variant's own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Shape of one image, without the batch axis.
    pub input_shape: Vec<usize>,
    /// The layers of the base network with what the variant changes.
    pub layers: Vec<PlannedLayer>,
    /// The loss.
    pub loss: LossSpec,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images a step.
    pub batch_size: usize,
    /// A training each.
    pub seeds: Vec<u64>,
    /// First so many training images; `None` for all.
    pub train_size: Option<usize>,
    /// First so many validation images; `None` for all.
    pub test_size: Option<usize>,
}

/// A loss by Keras's name, with its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossSpec {
    /// `categorical_crossentropy`, …
    pub name: String,
    /// Settings as the loss reads them; those not named have Keras's defaults.
    pub config: Map<String, Value>,
}

/// An optimizer by its Keras class name, with its options beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    /// `Adam`, `AdamW`, `SGD`, …
    pub class_name: String,
    /// Keras's options, such as `learning_rate`; those not named have Keras's defaults.
    #[serde(flatten)]
    pub options: toml::Table,
}

/// A layer of the base network with what a variant changes in it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLayer {
    class_name: String,
    name: Option<String>,
    config: Map<String, Value>,
    /// Whether the variant concerns it.
    selected: bool,
    /// What the variant has changed so far.
    changed: Vec<String>,
    /// Layers that the variant puts right behind it, as JSON.
    behind: Vec<Value>,
}

impl Plan {
    /// The base network, and nothing said about its training.
    pub(super) fn new(network: &Network) -> Plan {
        Plan {
            input_shape: network.input_shape.clone(),
            layers: network.layers.iter().map(PlannedLayer::of).collect(),
            loss: LossSpec::default(),
            optimizer: Optimizer::default(),
            epochs: 0,
            batch_size: 0,
            seeds: Vec::new(),
            train_size: None,
            test_size: None,
        }
    }

    /// Says which layers the variant concerns, one flag a layer.
    pub(super) fn select(&mut self, selected: &[bool]) {
        for (layer, &selected) in self.layers.iter_mut().zip(selected) {
            layer.selected = selected;
        }
    }

    /// The layers that the variant concerns.
    pub(super) fn selected(&mut self) -> impl Iterator<Item = &mut PlannedLayer> {
        self.layers.iter_mut().filter(|layer| layer.selected)
    }

    /// The network as `Model::from_config` reads it.
    #[must_use]
    pub fn network(&self) -> Value {
        let layers: Vec<Value> = self.layers.iter().flat_map(PlannedLayer::json).collect();
        let config = json!({ "input_shape": self.input_shape, "layers": layers });
        json!({ "class_name": "Sequential", "config": config })
    }
}

impl PlannedLayer {
    fn of(layer: &LayerSpec) -> PlannedLayer {
        PlannedLayer {
            class_name: layer.layer.clone(),
            name: layer.name.clone(),
            config: object(&layer.options),
            selected: false,
            changed: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// Sets an option of the layer, whatever the base network says.
    ///
    /// # Errors
    /// The variant has set it already, by another of its options.
    pub(super) fn change(&mut self, key: &str, value: Value) -> Result<(), String> {
        if self.changed.iter().any(|earlier| earlier == key) {
            return Err(format!(
                "`{key}` is an option of its own, and this variant sets it already; leave one of the two out"
            ));
        }
        self.changed.push(key.to_owned());
        self.config.insert(key.to_owned(), value);
        Ok(())
    }

    /// Puts another layer right behind this one.
    pub(super) fn put_behind(&mut self, class_name: &str, config: Value) {
        self.behind
            .push(json!({ "class_name": class_name, "config": config }));
    }

    /// The layer, and those that were put behind it.
    fn json(&self) -> Vec<Value> {
        let mut config = self.config.clone();
        if let Some(name) = &self.name {
            config.insert("name".into(), json!(name));
        }
        let mut all = vec![json!({ "class_name": self.class_name, "config": config })];
        all.extend(self.behind.iter().cloned());
        all
    }
}

impl LossSpec {
    /// The loss.
    ///
    /// # Errors
    /// There is none of this name, or it has no such settings; the message says what there is.
    pub fn build(&self) -> taper_nn::Result<Box<dyn Loss>> {
        losses::from_config(&self.name, &Value::Object(self.config.clone()))
    }
}

impl Optimizer {
    /// Its options as JSON.
    #[must_use]
    pub fn config(&self) -> Value {
        Value::Object(object(&self.options))
    }

    /// The optimizer.
    ///
    /// # Errors
    /// There is none of this name, or it has no such options; the message says what there is.
    pub fn build(&self) -> taper_optim::Result<Box<dyn taper_optim::Optimizer>> {
        optimizers::from_config(&self.class_name, &self.config())
    }
}

fn object(table: &toml::Table) -> Map<String, Value> {
    let entries = table.iter();
    entries
        .map(|(key, value)| (key.clone(), to_json(value)))
        .collect()
}

/// TOML's values are those of JSON, and dates, which become strings, as do the numbers that JSON has not: `nan` must be told of
/// by whoever reads the setting, and not be taken for one that is absent.
pub(super) fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) if number.is_finite() => json!(number),
        toml::Value::Float(number) => json!(number.to_string()),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(table) => Value::Object(object(table)),
    }
}
