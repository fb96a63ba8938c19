//! Models as JSON, in Keras's words: `"Sequential"` for chains, `"Functional"` for all other graphs.

use crate::functional::Functional;
use crate::graph::{Built, Kind, Wire};
use crate::registry::Made;
use crate::{Error, Model, Registry, Result, Seed, Sequential, config, model};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
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
    /// What is no description of a model, by layer.
    pub fn from_config(config: &Value, seed: Seed) -> Result<Self> {
        Self::from_config_with(config, &Registry::of(), seed)
    }

    /// As [`from_config`](Self::from_config), with layers of other crates.
    ///
    /// # Errors
    /// As there.
    pub fn from_config_with(config: &Value, registry: &Registry<E>, seed: Seed) -> Result<Self> {
        let described = read(config, registry)?;
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
        let described = read(config, registry)?;
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
        sequential(config, &Registry::of())
    }
}

/// What a description says: the graph, and single weights that do not learn.
struct Described<E: Element> {
    built: Built<E>,
    frozen_weights: Vec<String>,
}

/// The description of a model.
fn of<E: Element>(model: &Model<E>) -> Value {
    let graph = &*model.graph;
    let layers: Vec<Value> = (0..graph.owners.len()).map(|o| layer(model, o)).collect();
    if graph.is_sequential {
        return json!({"class_name": "Sequential", "config": {"input_shape": model.input_shape(), "layers": layers}});
    }
    let places = places(model);
    let mut all: Vec<Value> = model
        .inputs()
        .map(|(name, shape)| {
            json!({"class_name": INPUT_LAYER, "config": {"name": name, "shape": shape}, "name": name, "inbound_nodes": []})
        })
        .collect();
    for (owner, mut layer) in layers.into_iter().enumerate() {
        let calls = graph.nodes.iter().filter(|node| node.owner == owner);
        let inbound = calls.map(|node| node.inputs.iter().map(|&v| &places[v]).collect::<Vec<_>>());
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
    if model.is_trainable(&owner.name) == Some(false) {
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

/// Reads the description of a chain or of a graph.
fn read<E: Element>(config: &Value, registry: &Registry<E>) -> Result<Described<E>> {
    let head: Head = config::parse("model", config)?;
    match head.class_name.as_str() {
        "Sequential" => {
            let mut frozen_weights = Vec::new();
            let model = chain(config, registry, &mut frozen_weights)?;
            let built = model.graph()?;
            Ok(Described {
                // Names of layers are known only now.
                frozen_weights: named(&built, frozen_weights),
                built,
            })
        }
        "Functional" | "Model" => functional(&head.config, registry),
        other => Err(unknown(other)),
    }
}

/// Reads the description of a chain.
fn sequential<E: Element>(config: &Value, registry: &Registry<E>) -> Result<Sequential<E>> {
    let head: Head = config::parse("model", config)?;
    if head.class_name != "Sequential" {
        return Err(unknown(&head.class_name));
    }
    chain(config, registry, &mut Vec::new())
}

fn unknown(class_name: &str) -> Error {
    Error::Config(format!(
        "model: class_name is {class_name:?}; \"Sequential\" and \"Functional\" are known (the latter to `Model::from_config`)"
    ))
}

/// `frozen`: (layer, weights that do not learn).
fn chain<E: Element>(
    config: &Value,
    registry: &Registry<E>,
    frozen: &mut Vec<(usize, Vec<String>)>,
) -> Result<Sequential<E>> {
    let description: ChainDescription = config::parse("model", config)?;
    let mut model = Sequential::of(description.config.input_shape);
    for (index, mut layer) in description.config.layers.into_iter().enumerate() {
        let in_place = |error: Error| Error::Config(format!("layer {index}: {error}"));
        let learning = Learning::taken_from(&mut layer.config).map_err(in_place)?;
        let made = registry.make(&layer.class_name, &layer.config);
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
        frozen.push((index, learning.frozen_weights));
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

fn functional<E: Element>(config: &Value, registry: &Registry<E>) -> Result<Described<E>> {
    let graph: GraphDescription = config::parse("model", config)?;
    let mut net = Functional::of();
    let mut wires: BTreeMap<(String, usize, usize), Wire> = BTreeMap::new();
    let mut frozen_weights = Vec::new();
    // What is to be called: name, handle, calls that are left.
    let mut waiting = Vec::new();
    for (index, layer) in graph.layers.iter().enumerate() {
        let in_place = |error: Error| Error::Config(format!("layer {index}: {error}"));
        let mut config = layer.config.clone();
        let name = layer.name(&config).map_err(in_place)?;
        if layer.class_name == INPUT_LAYER {
            let shape = input_shape(&config).map_err(in_place)?;
            let wire = net.input(&name, shape);
            wires.insert((name, 0, 0), wire);
            continue;
        }
        let learning = Learning::taken_from(&mut config).map_err(in_place)?;
        let made = registry.make(&layer.class_name, &config);
        let (trainable, kind) = match made.map_err(in_place)? {
            Made::Layer(layer) => (layer.trainable(), Kind::Layer(layer.into())),
            Made::Junction(junction) => (junction.trainable(), Kind::Junction(junction.into())),
        };
        let shared = net.owner(kind, learning.trainable.unwrap_or(trainable));
        frozen_weights.extend(
            learning
                .frozen_weights
                .iter()
                .map(|w| format!("{name}/{w}")),
        );
        let calls: Vec<Vec<Place>> = layer
            .inbound_nodes
            .iter()
            .map(|call| call.places())
            .collect::<Result<_>>()
            .map_err(in_place)?;
        waiting.push((name, shared, calls, 0usize));
    }
    // Every call as soon as its inputs are there, in the order that the description gives, if it gives one.
    let mut order = graph.call_order.iter();
    loop {
        let wanted = order.next();
        let ready = waiting.iter_mut().find(|(name, _, calls, done)| {
            let next = calls.get(*done);
            wanted.is_none_or(|wanted| wanted == name)
                && next.is_some_and(|places| places.iter().all(|p| wires.contains_key(&p.0)))
        });
        let Some((name, shared, calls, done)) = ready else {
            break;
        };
        let inputs: Vec<Wire> = calls[*done].iter().map(|place| wires[&place.0]).collect();
        for (output, wire) in net.call_all(*shared, &inputs).into_iter().enumerate() {
            wires.insert((name.clone(), *done, output), wire);
        }
        *done += 1;
    }
    if let Some((name, _, calls, done)) = waiting.iter().find(|w| w.3 < w.2.len()) {
        let missing = calls[*done].iter().find(|p| !wires.contains_key(&p.0));
        let why = missing.map_or(
            "it stands in a circle, or call_order is wrong".into(),
            |p| format!("{:?} is not to be had", p.0),
        );
        let message = format!("model: call {done} of {name} cannot be made: {why}");
        return Err(Error::Config(message));
    }
    let find = |place: &Place| match wires.get(&place.0) {
        Some(wire) => Ok(*wire),
        None => Err(Error::Config(format!(
            "model: no layer makes the output {:?}",
            place.0
        ))),
    };
    let inputs = graph.input_layers.places()?;
    let outputs: Vec<Wire> = graph
        .output_layers
        .places()?
        .iter()
        .map(find)
        .collect::<Result<_>>()?;
    let inputs: Vec<Wire> = inputs.iter().map(find).collect::<Result<_>>()?;
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
struct Head {
    class_name: String,
    #[serde(default)]
    config: Value,
}

#[derive(Deserialize)]
struct ChainDescription {
    config: ChainConfig,
}

#[derive(Deserialize)]
struct ChainConfig {
    input_shape: Vec<usize>,
    layers: Vec<LayerDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerDescription {
    class_name: String,
    #[serde(default)]
    config: Value,
}

#[derive(Deserialize)]
struct GraphDescription {
    layers: Vec<CalledDescription>,
    input_layers: Places,
    output_layers: Places,
    #[serde(default)]
    call_order: Vec<String>,
}

#[derive(Deserialize)]
struct CalledDescription {
    class_name: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    inbound_nodes: Vec<Places>,
}

impl CalledDescription {
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

/// Values: `[["image", 0, 0], …]`, or one of them by itself, as Keras writes a single one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Places {
    Several(Vec<RawPlace>),
    One(RawPlace),
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum RawPlace {
    Short(String, usize, usize),
    /// Keras 2 has keyword arguments behind.
    Long(String, usize, usize, Value),
}

/// Layer, call, output.
struct Place((String, usize, usize));

impl Places {
    fn places(&self) -> Result<Vec<Place>> {
        let place = |raw: &RawPlace| match raw {
            RawPlace::Short(layer, call, output) => Ok(Place((layer.clone(), *call, *output))),
            RawPlace::Long(layer, call, output, more) => {
                let empty = more.is_null() || more.as_object().is_some_and(|o| o.is_empty());
                if empty {
                    return Ok(Place((layer.clone(), *call, *output)));
                }
                Err(Error::Config(format!(
                    "calls with arguments ({more}) are not known"
                )))
            }
        };
        match self {
            Places::Several(places) => places.iter().map(place).collect(),
            Places::One(one) => Ok(vec![place(one)?]),
        }
    }
}
