//! Models as JSON, in Keras's words: `"Sequential"` for chains, `"Functional"` for all other graphs.

mod calls;

use crate::functional::Functional;
use crate::graph::{Built, Kind};
use crate::registry::Made;
use crate::{Error, Model, Registry, Result, Seed, Sequential, config, model};
use calls::{Calls, Place, Places};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashSet;
use taper_tensor::{Element, Tensor};

impl<E: Element> Model<E> {
    /// The architecture as JSON, which [`from_config`](Self::from_config) reads back. A chain:
    /// `{"class_name":"Sequential","config":{"input_shape":[28,28,1],"layers":[{"class_name":"Conv2D","config":{…}},…]}}`.
    /// Any other graph: Keras's `"Functional"`, in the form with lists (`"inbound_nodes":[[["image",0,0]]]`).
    pub fn config(&self) -> Value {
        of(self)
    }

    /// A model from its JSON, with fresh weights.
    ///
    /// # Errors
    /// What is no description of a model, by layer; one of more than 65,536 layers.
    pub fn from_config(config: &Value, seed: Seed) -> Result<Self> {
        Self::from_config_with(config, &Registry::of(), seed)
    }

    /// As [`from_config`](Self::from_config), with layers of other crates.
    ///
    /// # Errors
    /// As there.
    pub fn from_config_with(config: &Value, registry: &Registry<E>, seed: Seed) -> Result<Self> {
        let text = config.to_string();
        let described = read(raw(&text)?, registry)?;
        let mut model = model::fresh(described.built, true, seed)?;
        model.freeze_weights(&described.frozen_weights)?;
        Ok(model)
    }

    /// A model from its JSON with these weights, named as [`parameters`](Self::parameters) names them. Nothing is
    /// allocated for what a (perhaps damaged) description only claims.
    ///
    /// # Errors
    /// As [`from_config`](Self::from_config); weights that are unknown, missing, given twice or of another shape.
    pub fn restore(
        config: &Value,
        registry: &Registry<E>,
        weights: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Self> {
        Self::restore_from_text(&config.to_string(), registry, weights)
    }

    /// As [`restore`](Self::restore), of JSON as text. It is read a layer at a time, so that a description of many
    /// layers takes a fraction of the memory that it takes as a [`Value`].
    ///
    /// # Errors
    /// As there; what is no JSON.
    pub fn restore_from_text(
        config: &str,
        registry: &Registry<E>,
        weights: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Self> {
        let described = read(raw(config)?, registry)?;
        let mut model = model::restored(described.built, true, weights)?;
        model.freeze_weights(&described.frozen_weights)?;
        Ok(model)
    }
}

impl<E: Element> Sequential<E> {
    /// Reads the JSON that [`Model::config`] wrote for a chain. [`Model::from_config`] reads graphs, too, and layers
    /// of other crates.
    ///
    /// # Errors
    /// What is no such description, by layer.
    pub fn from_config(config: &Value) -> Result<Self> {
        let text = config.to_string();
        let head: Head<'_> = parse("model", raw(&text)?)?;
        if head.class_name != "Sequential" {
            return Err(unknown(&head.class_name));
        }
        chain(head.config, &Registry::of(), &mut Vec::new())
    }
}

/// A description has at most so many layers, and so many calls of them: three hundred times what the deepest networks
/// have. Without a limit a damaged file could ask for a model of a hundred times its own length.
const MOST_LAYERS: usize = 1 << 16;

/// What a description says: the graph, and single weights that do not learn.
struct Described<E: Element> {
    built: Built<E>,
    frozen_weights: Vec<String>,
}

/// The description of a model.
fn of<E: Element>(model: &Model<E>) -> Value {
    let graph = &*model.graph;
    let layers = (0..graph.owners.len()).map(|o| layer(model, o));
    if graph.is_sequential {
        let layers = Value::Array(layers.collect()); // not copied once more
        let mut config = json!({"input_shape": model.input_shape()});
        config["layers"] = layers;
        return json!({"class_name": "Sequential", "config": config});
    }
    let places = places(model);
    let mut all: Vec<Value> = model
        .inputs()
        .map(|(name, shape)| {
            json!({"class_name": INPUT_LAYER, "config": {"name": name, "shape": shape}, "name": name, "inbound_nodes": []})
        })
        .collect();
    for (mut layer, calls) in layers.zip(graph.calls()) {
        let inbound = calls
            .iter()
            .map(|node| node.inputs.iter().map(|&v| &places[v]).collect::<Vec<_>>());
        let inbound: Vec<_> = inbound.collect();
        layer["name"] = layer["config"]["name"].clone();
        layer["inbound_nodes"] = json!(inbound);
        all.push(layer);
    }
    let input_layers: Vec<Value> = model
        .inputs()
        .map(|(name, _)| json!([name, 0, 0]))
        .collect();
    let output_layers: Vec<&Value> = graph.outputs.iter().map(|&v| &places[v]).collect();
    let mut config =
        json!({"layers": all, "input_layers": input_layers, "output_layers": output_layers});
    // Which call stands where decides its random numbers and the order of sums.
    let order: Vec<usize> = graph.nodes.iter().map(|node| node.owner).collect();
    if order.iter().enumerate().any(|(i, &owner)| i != owner) {
        let name = |&owner: &usize| &*graph.owners[owner].name;
        config["call_order"] = json!(order.iter().map(name).collect::<Vec<_>>());
    }
    json!({"class_name": "Functional", "config": config})
}

const INPUT_LAYER: &str = "InputLayer";

fn layer<E: Element>(model: &Model<E>, index: usize) -> Value {
    let owner = &model.graph.owners[index];
    let mut config = owner.kind.config();
    config["name"] = json!(owner.name);
    if !model.learns(index) {
        config["trainable"] = json!(false);
    } else {
        let parameters = model.parameters[owner.parameters.clone()].iter();
        let frozen = parameters
            .zip(&owner.learnable)
            .filter(|(parameter, learnable)| **learnable && !parameter.trainable)
            .filter_map(|(p, _)| p.name.strip_prefix(&owner.name)?.strip_prefix('/'));
        let frozen: Vec<&str> = frozen.collect();
        if !frozen.is_empty() {
            config["frozen_weights"] = json!(frozen);
        }
    }
    json!({"class_name": owner.kind.class_name(), "config": config})
}

/// Every value as Keras names it: layer, call, output.
fn places<E: Element>(model: &Model<E>) -> Vec<Value> {
    let graph = &*model.graph;
    let mut places = vec![Value::Null; graph.shapes.len()];
    for input in &graph.inputs {
        places[input.value] = json!([input.name, 0, 0]);
    }
    for (node, call) in graph.nodes.iter().zip(graph.call_numbers()) {
        for (output, value) in node.outputs.clone().enumerate() {
            places[value] = json!([graph.owners[node.owner].name, call, output]);
        }
    }
    places
}

/// Text that is JSON, to be looked into a part at a time.
fn raw(text: &str) -> Result<&RawValue> {
    let raw = serde_json::from_str(text);
    raw.map_err(|error| Error::Config(format!("model: no JSON: {error}")))
}

/// What a part of a description says; `null` is one without entries.
fn parse<'a, T: Deserialize<'a>>(what: &str, json: &'a RawValue) -> Result<T> {
    let text = match json.get() {
        "null" => "{}",
        text => text,
    };
    serde_json::from_str(text).map_err(|error| {
        // The line and the column would be those of the part.
        let error = error.to_string();
        let message = error.rsplit_once(" at line ").map_or(&*error, |(m, _)| m);
        Error::Config(format!("{what}: {message}"))
    })
}

/// Reads the description of a chain or of a graph.
fn read<E: Element>(config: &RawValue, registry: &Registry<E>) -> Result<Described<E>> {
    let head: Head<'_> = parse("model", config)?;
    match &*head.class_name {
        "Sequential" => {
            let mut frozen_weights = Vec::new();
            let model = chain(head.config, registry, &mut frozen_weights)?;
            let built = model.graph()?;
            Ok(Described {
                // Names of layers are known only now.
                frozen_weights: named(&built, frozen_weights),
                built,
            })
        }
        "Functional" | "Model" => functional(head.config, registry),
        other => Err(unknown(other)),
    }
}

fn unknown(class_name: &str) -> Error {
    Error::Config(format!(
        "model: class_name is {class_name:?}; \"Sequential\" and \"Functional\" are known (the latter to `Model::from_config`)"
    ))
}

fn not_too_many(layers: usize) -> Result<()> {
    if layers > MOST_LAYERS {
        let message = format!("model: it has {layers} layers, more than the {MOST_LAYERS} allowed");
        return Err(Error::Config(message));
    }
    Ok(())
}

/// `frozen`: (layer, weights that do not learn).
fn chain<E: Element>(
    config: &RawValue,
    registry: &Registry<E>,
    frozen: &mut Vec<(usize, Vec<String>)>,
) -> Result<Sequential<E>> {
    let description: ChainDescription<'_> = parse("model", config)?;
    not_too_many(description.layers.len())?;
    let mut model = Sequential::of(description.input_shape);
    for (index, layer) in description.layers.into_iter().enumerate() {
        let in_place = |error: Error| Error::Config(format!("layer {index}: {error}"));
        let mut config = layer.config().map_err(in_place)?;
        let learning = Learning::taken_from(&mut config).map_err(in_place)?;
        let made = registry.make(&layer.class_name, &config, 1);
        match made.map_err(in_place)? {
            Made::Layer(layer) => {
                let trainable = learning.trainable.unwrap_or(layer.trainable());
                model = model.add_with(layer, trainable);
            }
            Made::Junction(_) => {
                let message = format!("{} has no place in a chain", layer.class_name);
                return Err(in_place(Error::Config(message)));
            }
        }
        if !learning.frozen_weights.is_empty() {
            frozen.push((index, learning.frozen_weights));
        }
    }
    Ok(model)
}

fn named<E: Element>(built: &Built<E>, frozen: Vec<(usize, Vec<String>)>) -> Vec<String> {
    let name = |owner: usize| &built.graph.owners[owner].name;
    frozen
        .into_iter()
        .flat_map(|(owner, weights)| weights.into_iter().map(move |w| (owner, w)))
        .map(|(owner, weight)| format!("{}/{weight}", name(owner)))
        .collect()
}

fn functional<E: Element>(config: &RawValue, registry: &Registry<E>) -> Result<Described<E>> {
    let graph: GraphDescription<'_> = parse("model", config)?;
    let nodes: usize = graph.layers.iter().map(|l| l.inbound_nodes.len()).sum();
    not_too_many(graph.layers.len().max(nodes))?;
    let mut net = Functional::of();
    let mut calls = Calls::default();
    let mut names = HashSet::new();
    let mut frozen_weights = Vec::new();
    for (index, layer) in graph.layers.into_iter().enumerate() {
        let in_place = |error: Error| Error::Config(format!("layer {index}: {error}"));
        let mut config = layer.config().map_err(in_place)?;
        let name = layer.name(&config).map_err(in_place)?;
        if !names.insert(name.clone()) {
            let message = format!("another layer is already called {name:?}");
            return Err(in_place(Error::Config(message)));
        }
        if layer.class_name == INPUT_LAYER {
            let shape = input_shape(&config).map_err(in_place)?;
            let wire = net.input(&name, shape);
            calls.made((name, 0, 0), wire);
            continue;
        }
        let learning = Learning::taken_from(&mut config).map_err(in_place)?;
        let inputs: Result<Vec<Vec<Place>>> = layer
            .inbound_nodes
            .into_iter()
            .map(Places::places)
            .collect();
        let inputs = inputs.map_err(in_place)?;
        let most = inputs.iter().map(Vec::len).max().unwrap_or(1);
        let made = registry.make(&layer.class_name, &config, most);
        let (trainable, kind) = match made.map_err(in_place)? {
            Made::Layer(layer) => (layer.trainable(), Kind::Layer(layer.into())),
            Made::Junction(junction) => (junction.trainable(), Kind::Junction(junction.into())),
        };
        let shared = net.owner(kind, learning.trainable.unwrap_or(trainable));
        let frozen = learning.frozen_weights.iter();
        frozen_weights.extend(frozen.map(|w| format!("{name}/{w}")));
        calls.wait(name, shared, inputs);
    }
    calls.make(&mut net, &graph.call_order)?;
    let inputs = calls.wires(graph.input_layers.places()?)?;
    let outputs = calls.wires(graph.output_layers.places()?)?;
    Ok(Described {
        built: net.outputs(&outputs).with_inputs(&inputs).graph()?,
        frozen_weights,
    })
}

/// `trainable` and `frozen_weights`, which belong to the model and not to the layer.
#[derive(Default)]
struct Learning {
    trainable: Option<bool>,
    frozen_weights: Vec<String>,
}

impl Learning {
    fn taken_from(config: &mut Value) -> Result<Self> {
        let Some(entries) = config.as_object_mut() else {
            return Ok(Learning::default());
        };
        let trainable = entries.remove("trainable").map(serde_json::from_value);
        let frozen = entries.remove("frozen_weights").map(serde_json::from_value);
        let wrong = |error| Error::Config(format!("trainable, frozen_weights: {error}"));
        Ok(Learning {
            trainable: trainable.transpose().map_err(wrong)?,
            frozen_weights: frozen.transpose().map_err(wrong)?.unwrap_or_default(),
        })
    }
}

fn input_shape(config: &Value) -> Result<Vec<usize>> {
    let description: InputDescription = config::parse(INPUT_LAYER, config)?;
    match (description.shape, description.batch_shape) {
        (Some(shape), _) => Ok(shape),
        // Keras's: the batch, which is open, stands in front.
        (None, Some(shape)) if !shape.is_empty() => {
            let sizes: Option<Vec<usize>> = shape[1..].iter().copied().collect();
            sizes.ok_or_else(|| {
                Error::Config(format!(
                    "{INPUT_LAYER}: batch_shape {shape:?} is open behind the batch"
                ))
            })
        }
        _ => Err(Error::Config(format!("{INPUT_LAYER}: shape is missing"))),
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    class_name: Cow<'a, str>,
    #[serde(borrow, default = "nothing")]
    config: &'a RawValue,
}

#[derive(Deserialize)]
struct ChainDescription<'a> {
    input_shape: Vec<usize>,
    #[serde(borrow)]
    layers: Vec<LayerDescription<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerDescription<'a> {
    #[serde(borrow)]
    class_name: Cow<'a, str>,
    #[serde(borrow, default = "nothing")]
    config: &'a RawValue,
}

#[derive(Deserialize)]
struct GraphDescription<'a> {
    #[serde(borrow)]
    layers: Vec<CalledDescription<'a>>,
    input_layers: Places,
    output_layers: Places,
    #[serde(default)]
    call_order: Vec<String>,
}

#[derive(Deserialize)]
struct CalledDescription<'a> {
    #[serde(borrow)]
    class_name: Cow<'a, str>,
    #[serde(default)]
    name: Option<String>,
    #[serde(borrow, default = "nothing")]
    config: &'a RawValue,
    #[serde(default)]
    inbound_nodes: Vec<Places>,
}

fn nothing() -> &'static RawValue {
    RawValue::NULL
}

impl LayerDescription<'_> {
    fn config(&self) -> Result<Value> {
        parse(&self.class_name, self.config)
    }
}

impl CalledDescription<'_> {
    fn config(&self) -> Result<Value> {
        parse(&self.class_name, self.config)
    }

    fn name(&self, config: &Value) -> Result<String> {
        let in_config = config.get("name").and_then(Value::as_str);
        let name = self.name.as_deref().or(in_config).map(str::to_owned);
        name.ok_or_else(|| Error::Config(format!("{} has no name", self.class_name)))
    }
}

#[derive(Deserialize)]
struct InputDescription {
    shape: Option<Vec<usize>>,
    batch_shape: Option<Vec<Option<usize>>>,
}
