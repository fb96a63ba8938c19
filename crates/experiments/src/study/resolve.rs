//! From a variant to the network it means: the JSON that `Model::from_config` reads.

use serde_json::{Value, json};
use taper_nn::Model;
use taper_tensor::Seed;

use super::{LayerSpec, Optimizer, Study, Variant};
use crate::{Error, Result};

impl Study {
    /// The network of a variant: `{"class_name": "Sequential", "config": {"input_shape": …, "layers": […]}}`.
    ///
    /// # Errors
    /// No such variant.
    pub fn network_of(&self, variant: &str) -> Result<Value> {
        let changes = self.variant(variant)?;
        let selected = self
            .selected(changes)
            .map_err(|message| self.fail(variant, message))?;
        let mut layers = Vec::new();
        for (layer, &selected) in self.network.layers.iter().zip(&selected) {
            layers.push(layer_json(layer, selected.then_some(changes)));
            if let (true, Some(rate)) = (selected, changes.dropout) {
                layers.push(json!({ "class_name": "Dropout", "config": { "rate": rate } }));
            }
        }
        let config = json!({ "input_shape": self.network.input_shape, "layers": layers });
        Ok(json!({ "class_name": "Sequential", "config": config }))
    }

    /// Builds the network of a variant with fresh weights.
    ///
    /// # Errors
    /// No such variant, or a layer that does not exist or does not fit; the message has the variant.
    pub fn build(&self, variant: &str, seed: Seed) -> Result<Model> {
        let network = self.network_of(variant)?;
        Model::from_config(&network, seed).map_err(|error| self.fail(variant, error.to_string()))
    }

    /// The optimizer of a variant: class name and options.
    ///
    /// # Errors
    /// No such variant.
    pub fn optimizer_of(&self, variant: &str) -> Result<(String, Value)> {
        let changes = &self.variant(variant)?.optimizer;
        let Optimizer {
            mut class_name,
            mut options,
        } = self.optimizer.clone();
        let mut changes = changes.clone();
        match changes.remove("class_name") {
            Some(toml::Value::String(other)) if other != class_name => {
                // Another optimizer starts from its own defaults; only the rate is common to all.
                options.retain(|key, _| key == "learning_rate");
                class_name = other;
            }
            Some(toml::Value::String(_)) | None => {}
            Some(other) => {
                return Err(self.fail(
                    variant,
                    format!("`optimizer.class_name` must be a string, not {other}"),
                ));
            }
        }
        options.extend(changes);
        Ok((class_name, to_json(&toml::Value::Table(options))))
    }

    /// Images a step of a variant.
    ///
    /// # Errors
    /// No such variant.
    pub fn batch_size_of(&self, variant: &str) -> Result<usize> {
        Ok(self.variant(variant)?.batch_size.unwrap_or(self.batch_size))
    }

    /// Which layers a variant changes.
    pub(super) fn selected(&self, variant: &Variant) -> Result<Vec<bool>, String> {
        let layers = &self.network.layers;
        let Some(names) = &variant.on else {
            let marked: Vec<bool> = layers.iter().map(|layer| layer.regularize).collect();
            if variant.changes_layers() && !marked.contains(&true) {
                return Err("it changes layers, but none is marked; write `regularize = true` in the layers of \
                            `network.layers` that variants concern, or name layers with `on = [\"…\"]`"
                    .into());
            }
            return Ok(marked);
        };
        let known: Vec<&str> = layers
            .iter()
            .filter_map(|layer| layer.name.as_deref())
            .collect();
        if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let known = if known.is_empty() {
                "no layer has a `name`".to_owned()
            } else {
                format!("named layers are: {}", known.join(", "))
            };
            return Err(format!(
                "`on` names the layer `{stranger}`, which does not exist; {known}"
            ));
        }
        let is_named =
            |layer: &LayerSpec| layer.name.as_ref().is_some_and(|name| names.contains(name));
        Ok(layers.iter().map(is_named).collect())
    }

    fn variant(&self, name: &str) -> Result<&Variant> {
        self.variants
            .get(name)
            .ok_or_else(|| self.fail(name, "there is no such variant".into()))
    }

    fn fail(&self, variant: &str, message: String) -> Error {
        Error::Study {
            origin: self.name.clone(),
            message: format!("`variants.{variant}`: {message}"),
        }
    }
}

/// One layer with what a variant changes in it.
fn layer_json(layer: &LayerSpec, changes: Option<&Variant>) -> Value {
    let mut options = layer.options.clone();
    let mut config = serde_json::Map::new();
    if let Some(changes) = changes {
        options.extend(changes.set.clone());
    }
    for (key, value) in &options {
        config.insert(key.clone(), to_json(value));
    }
    if let Some(name) = &layer.name {
        config.insert("name".into(), json!(name));
    }
    if let Some(changes) = changes {
        let penalties = [
            ("kernel_regularizer", changes.kernel_regularizer),
            ("bias_regularizer", changes.bias_regularizer),
            ("activity_regularizer", changes.activity_regularizer),
        ];
        for (key, penalty) in penalties {
            if let Some(penalty) = penalty {
                config.insert(key.into(), json!({ "l1": penalty.l1, "l2": penalty.l2 }));
            }
        }
    }
    json!({ "class_name": layer.layer, "config": config })
}

/// TOML's values are those of JSON, and dates, which become strings.
fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)))
            .collect(),
    }
}
