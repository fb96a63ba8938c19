//! What a model is made of: owners of weights, calls of them, and the values between the calls.
//!
//! An *owner* is a layer or a junction; it has weights and a name and stands once. A *node* is a call of an owner and
//! may stand often. A *value* is what a node puts out, or an input of the model. A node reads values that stand in front
//! of it, so the list of nodes is in an order in which they can run, and without circles, by construction. `Sequential`
//! and `Functional` fill the same graph.

use crate::{
    Constraint, Error, Junction, Layer, Result, WeightSpec, config,
    names::{self, Named},
    setting, weight_checks,
};
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Debug};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use taper_tensor::Element;

/// A finished graph.
pub(crate) struct Graph<E: Element> {
    pub(crate) owners: Vec<Owner<E>>,
    pub(crate) nodes: Vec<Node>,
    /// The shape of a sample of every value.
    pub(crate) shapes: Vec<Vec<usize>>,
    pub(crate) inputs: Vec<GraphInput>,
    /// The values that the model puts out.
    pub(crate) outputs: Vec<usize>,
    /// Whether it was described as a chain, and is to be written as one.
    pub(crate) is_sequential: bool,
}

/// A named input of the model.
#[derive(Clone, Debug)]
pub(crate) struct GraphInput {
    pub(crate) name: String,
    pub(crate) value: usize,
}

/// What has weights and a name.
#[derive(Clone)]
pub(crate) struct Owner<E: Element> {
    pub(crate) name: String,
    pub(crate) kind: Kind<E>,
    /// Which of the model's parameters it has.
    pub(crate) parameters: Range<usize>,
    /// Which of them learn when the owner does.
    pub(crate) learnable: Vec<bool>,
}

/// A layer or a junction.
pub(crate) enum Kind<E: Element> {
    Layer(Arc<dyn Layer<E>>),
    Junction(Arc<dyn Junction<E>>),
}

/// A call of an owner.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) owner: usize,
    /// The values that it reads.
    pub(crate) inputs: Vec<usize>,
    /// The values that it makes.
    pub(crate) outputs: Range<usize>,
}

impl<E: Element> Kind<E> {
    pub(crate) fn class_name(&self) -> &'static str {
        match self {
            Kind::Layer(layer) => layer.class_name(),
            Kind::Junction(junction) => junction.class_name(),
        }
    }

    pub(crate) fn given_name(&self) -> Option<&str> {
        match self {
            Kind::Layer(layer) => layer.name(),
            Kind::Junction(junction) => junction.name(),
        }
    }

    pub(crate) fn config(&self) -> serde_json::Value {
        match self {
            Kind::Layer(layer) => layer.config(),
            Kind::Junction(junction) => junction.config(),
        }
    }

    pub(crate) fn penalizes(&self) -> bool {
        match self {
            Kind::Layer(layer) => layer.penalizes(),
            Kind::Junction(junction) => junction.penalizes(),
        }
    }

    /// What the weight of this name must be after every step.
    pub(crate) fn constraint(&self, weight: &str) -> Option<Constraint> {
        match self {
            Kind::Layer(layer) => layer.constraint(weight),
            Kind::Junction(junction) => junction.constraint(weight),
        }
    }

    /// The shapes of the outputs and the weights, with sizes that memory can have.
    fn describe(&self, inputs: &[&[usize]]) -> Result<(Vec<Vec<usize>>, Vec<WeightSpec>)> {
        let (outputs, weights) = match (self, inputs) {
            (Kind::Layer(layer), [input]) => {
                (vec![layer.output_shape(input)?], layer.weights(input)?)
            }
            (Kind::Layer(layer), _) => {
                let message = format!("one input is wanted, {} are given", inputs.len());
                return Err(Error::layer(layer.class_name(), message));
            }
            (Kind::Junction(junction), _) => {
                (junction.output_shapes(inputs)?, junction.weights(inputs)?)
            }
        };
        let too_large = |shape: &Vec<usize>| match config::elements(shape) {
            Some(_) => Ok(()),
            None => Err(format!(
                "its output {shape:?} is too large: more than {} values",
                setting::MAX_VALUES
            )),
        };
        let checked = weight_checks::weights::<E>(&weights);
        let checked = checked.and_then(|()| {
            weights.iter().try_for_each(|spec| {
                let constraint = self.constraint(&spec.name);
                let checked = constraint.map_or(Ok(()), |constraint| constraint.check(&spec.shape));
                checked.map_err(|fault| format!("{}_constraint: {fault}", spec.name))
            })
        });
        let checked = checked.and_then(|()| outputs.iter().try_for_each(too_large));
        checked.map_err(|fault| {
            let input = match inputs {
                [one] => format!("input {one:?}"),
                several => format!("inputs {several:?}"),
            };
            let message = match setting::numbers(&self.config()) {
                numbers if numbers.is_empty() => format!("{fault} ({input})"),
                numbers => format!("{fault} ({input}; {numbers})"),
            };
            Error::layer(self.class_name(), message)
        })?;
        Ok((outputs, weights))
    }
}

impl<E: Element> Clone for Kind<E> {
    fn clone(&self) -> Self {
        match self {
            Kind::Layer(layer) => Kind::Layer(Arc::clone(layer)),
            Kind::Junction(junction) => Kind::Junction(Arc::clone(junction)),
        }
    }
}

impl<E: Element> Debug for Kind<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Layer(layer) => layer.fmt(f),
            Kind::Junction(junction) => junction.fmt(f),
        }
    }
}

/// What is wrong with a shape of very many axes. Few axes keep the shapes of a deep model small, whatever a damaged
/// description says.
fn too_many_axes(shape: &[usize]) -> Option<String> {
    let many = shape.len() > MOST_AXES;
    many.then(|| format!("{} axes are more than {MOST_AXES}", shape.len()))
}

/// As many as a checkpoint's tensors may have.
const MOST_AXES: usize = 32;

/// Fusion patterns look at no more layers than these.
const LONGEST_PATTERN: usize = 8;

impl<E: Element> Graph<E> {
    /// The owner of a node.
    pub(crate) fn owner(&self, node: usize) -> &Owner<E> {
        &self.owners[self.nodes[node].owner]
    }

    /// The layer that a node calls, with the value that it reads and the one that it makes; none for junctions.
    pub(crate) fn layer(&self, node: usize) -> Option<(&Arc<dyn Layer<E>>, usize, usize)> {
        let Node {
            inputs, outputs, ..
        } = &self.nodes[node];
        match &self.owner(node).kind {
            Kind::Layer(layer) => Some((layer, inputs[0], outputs.start)),
            Kind::Junction(_) => None,
        }
    }

    /// How often every value is read, by nodes and as an output.
    fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.shapes.len()];
        let read = self.nodes.iter().flat_map(|node| &node.inputs);
        for &value in read.chain(&self.outputs) {
            uses[value] += 1;
        }
        uses
    }

    /// For every node, the layers that may run together with it as one: itself and those behind it (as many as a
    /// pattern may look at), of which each reads the value of the one in front, which nobody else reads and which is no
    /// output. Empty for junctions.
    pub(crate) fn runs(&self) -> Vec<Vec<usize>> {
        let next = self.only_readers();
        let run = |node: usize| -> Vec<usize> {
            let first = self.layer(node).map(|_| node);
            let run = std::iter::successors(first, |&node| next[node]);
            run.take(LONGEST_PATTERN).collect()
        };
        (0..self.nodes.len()).map(run).collect()
    }

    /// For every node with one output, the layer that reads it, if nobody else does and it is no output.
    pub(crate) fn only_readers(&self) -> Vec<Option<usize>> {
        let uses = self.uses();
        let mut reader = vec![None; self.shapes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for &value in &node.inputs {
                reader[value] = Some(index);
            }
        }
        let next = |node: &Node| -> Option<usize> {
            let output = node.outputs.start;
            let next = reader[output].filter(|_| node.outputs.len() == 1 && uses[output] == 1)?;
            self.layer(next).is_some().then_some(next)
        };
        self.nodes.iter().map(next).collect()
    }

    /// The node that makes each output, if it is a layer that nobody else reads: losses may take its activation in.
    pub(crate) fn last_layers(&self) -> Vec<Option<usize>> {
        let makers = self.own_makers();
        self.outputs.iter().map(|&value| makers[value]).collect()
    }

    /// The layer that makes each value, if that is read (or an output) once only.
    pub(crate) fn own_makers(&self) -> Vec<Option<usize>> {
        let uses = self.uses();
        let mut makers = vec![None; self.shapes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if self.layer(index).is_some() {
                makers[node.outputs.clone()].fill(Some(index));
            }
        }
        let once = |(maker, uses): (Option<usize>, &usize)| maker.filter(|_| *uses == 1);
        makers.into_iter().zip(&uses).map(once).collect()
    }

    /// The value that is output number `output` of call number `call` of the owner called `name`.
    pub(crate) fn value_of(&self, name: &str, call: usize, output: usize) -> Result<usize> {
        let fail = |message: String| Err(Error::Config(message));
        let Some(owner) = self.owners.iter().position(|owner| owner.name == name) else {
            let known: Vec<&str> = self.owners.iter().map(|o| o.name.as_str()).collect();
            return fail(format!(
                "no layer is called {name:?}: there are {}",
                known.join(", ")
            ));
        };
        let mut calls = self.nodes.iter().filter(|node| node.owner == owner);
        let Some(node) = calls.nth(call) else {
            return fail(format!("{name} has no call number {call} (counted from 0)"));
        };
        match node.outputs.clone().nth(output) {
            Some(value) => Ok(value),
            None => fail(format!("{name} has no output number {output} (from 0)")),
        }
    }

    /// For every owner, the nodes that call it, in order.
    pub(crate) fn calls(&self) -> Vec<Vec<&Node>> {
        let mut calls = vec![Vec::new(); self.owners.len()];
        for node in &self.nodes {
            calls[node.owner].push(node);
        }
        calls
    }

    /// The name of the layer or junction that makes a value, or of the input that it is.
    pub(crate) fn name_of(&self, value: usize) -> &str {
        let maker = self.nodes.iter().find(|n| n.outputs.contains(&value));
        let input = || self.inputs.iter().find(|input| input.value == value);
        match maker {
            Some(node) => &self.owners[node.owner].name,
            None => input().map_or("", |input| &input.name),
        }
    }

    /// Which call of its owner each node is, from 0.
    pub(crate) fn call_numbers(&self) -> Vec<usize> {
        let mut calls = vec![0; self.owners.len()];
        let count = |node: &Node| {
            calls[node.owner] += 1;
            calls[node.owner] - 1
        };
        self.nodes.iter().map(count).collect()
    }
}

/// A graph on its way. The first thing that does not fit is kept until the end; what is added behind it counts for
/// nothing.
pub(crate) struct Builder<E: Element> {
    id: u64,
    owners: Vec<Drawn<E>>,
    nodes: Vec<Node>,
    shapes: Vec<Vec<usize>>,
    inputs: Vec<(String, usize)>,
    failed: Option<Failure>,
}

/// An owner on its way: its weights are known from its first call on.
struct Drawn<E: Element> {
    kind: Kind<E>,
    trainable: bool,
    specs: Option<Vec<WeightSpec>>,
}

enum Failure {
    /// In a call of this owner.
    Owner(usize, Error),
    Other(Error),
}

/// What a finished builder hands over: the graph, and the weights that it wants (named, in order).
pub(crate) struct Built<E: Element> {
    pub(crate) graph: Graph<E>,
    pub(crate) weights: Vec<(String, WeightSpec)>,
    /// Whether each owner learns.
    pub(crate) trainable: Vec<bool>,
}

/// A value of a model that is being described: a small handle that [`Functional`](crate::Functional) gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    pub(crate) value: usize,
    pub(crate) builder: u64,
}

impl AsRef<[Wire]> for Wire {
    fn as_ref(&self) -> &[Wire] {
        std::slice::from_ref(self)
    }
}

/// Tells the builders of a process apart.
static NEXT_BUILDER: AtomicU64 = AtomicU64::new(0);

impl<E: Element> Builder<E> {
    pub(crate) fn new() -> Self {
        Builder {
            id: NEXT_BUILDER.fetch_add(1, Ordering::Relaxed),
            owners: Vec::new(),
            nodes: Vec::new(),
            shapes: Vec::new(),
            inputs: Vec::new(),
            failed: None,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn input(&mut self, name: &str, shape: Vec<usize>) -> Wire {
        if config::elements(&shape).is_none() {
            let most = setting::MAX_VALUES;
            let message = format!(
                "input {name:?}: input_shape {shape:?} is too large: more than {most} values"
            );
            self.fail(Failure::Other(Error::Config(message)));
        }
        if let Some(message) = too_many_axes(&shape) {
            self.fail(Failure::Other(Error::Config(format!(
                "input {name:?}: {message}"
            ))));
        }
        let wire = self.value(shape);
        self.inputs.push((name.to_owned(), wire.value));
        wire
    }

    /// Puts the inputs into this order; others follow as they were made.
    pub(crate) fn order_inputs(&mut self, wires: &[Wire]) {
        let mut places = HashMap::new();
        for (place, wire) in wires.iter().enumerate() {
            places.entry(wire.value).or_insert(place);
        }
        let place = |value: &usize| places.get(value).copied().unwrap_or(usize::MAX);
        self.inputs.sort_by_key(|(_, value)| place(value));
    }

    /// A layer or junction to be called, and whether it learns.
    pub(crate) fn owner(&mut self, kind: Kind<E>, trainable: bool) -> usize {
        self.owners.push(Drawn {
            kind,
            trainable,
            specs: None,
        });
        self.owners.len() - 1
    }

    /// A call of an owner; as many wires as it has outputs (one, if something is wrong).
    pub(crate) fn call(&mut self, owner: usize, inputs: &[Wire]) -> Vec<Wire> {
        let shapes = match self.failed {
            Some(_) => None, // what is behind a failure is not looked at
            None => self
                .check_call(owner, inputs)
                .map_err(|error| self.fail(Failure::Owner(owner, error)))
                .ok(),
        };
        let shapes = shapes.unwrap_or_else(|| vec![Vec::new()]);
        let first = self.shapes.len();
        let wires: Vec<Wire> = shapes.into_iter().map(|shape| self.value(shape)).collect();
        self.nodes.push(Node {
            owner,
            inputs: inputs.iter().map(|wire| wire.value).collect(),
            outputs: first..self.shapes.len(),
        });
        wires
    }

    fn check_call(&mut self, owner: usize, inputs: &[Wire]) -> Result<Vec<Vec<usize>>> {
        let drawn = &mut self.owners[owner];
        if inputs.iter().any(|wire| wire.builder != self.id) {
            let message = "a wire of another network is given; wires belong to the `Functional` that made them";
            return Err(Error::layer(drawn.kind.class_name(), message));
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|w| &*self.shapes[w.value]).collect();
        let (outputs, weights) = drawn.kind.describe(&shapes)?;
        if let Some(message) = outputs.iter().find_map(|shape| too_many_axes(shape)) {
            return Err(Error::layer(drawn.kind.class_name(), message));
        }
        match &drawn.specs {
            None => drawn.specs = Some(weights),
            Some(first) if *first == weights => {}
            Some(first) => {
                let list = |specs: &[WeightSpec]| {
                    let each = |spec: &WeightSpec| format!("{} {:?}", spec.name, spec.shape);
                    specs.iter().map(each).collect::<Vec<_>>().join(", ")
                };
                let message = format!(
                    "its first call wants the weights {}, this one {}; calls that share weights need inputs that fit them",
                    list(first),
                    list(&weights)
                );
                return Err(Error::layer(drawn.kind.class_name(), message));
            }
        }
        Ok(outputs)
    }

    /// Keeps the first failure.
    pub(crate) fn fail_with(&mut self, error: Error) {
        self.fail(Failure::Other(error));
    }

    /// Keeps the first failure, as one of this owner.
    pub(crate) fn fail_in(&mut self, owner: usize, message: String) {
        let class = self.owners[owner].kind.class_name();
        self.fail(Failure::Owner(owner, Error::layer(class, message)));
    }

    fn fail(&mut self, failure: Failure) {
        self.failed.get_or_insert(failure);
    }

    fn value(&mut self, shape: Vec<usize>) -> Wire {
        self.shapes.push(shape);
        Wire {
            value: self.shapes.len() - 1,
            builder: self.id,
        }
    }

    /// The graph up to these outputs; what leads to none of them is left out.
    pub(crate) fn finish(self, outputs: &[Wire], is_sequential: bool) -> Result<Built<E>> {
        let names = self.names(is_sequential)?;
        match self.failed {
            Some(Failure::Owner(owner, error)) => return Err(error.in_layer(&names[owner], owner)),
            Some(Failure::Other(error)) => return Err(error),
            None => {}
        }
        if outputs.is_empty() {
            let message = "a model needs at least one output; name them with `outputs(&[…])`";
            return Err(Error::Config(message.into()));
        }
        if outputs.iter().any(|wire| wire.builder != self.id) {
            let message = "an output is a wire of another network";
            return Err(Error::Config(message.into()));
        }
        let trainable = self.owners.iter().map(|o| o.trainable);
        let mut weights = Vec::new();
        let mut parts = Parts {
            trainable: trainable.collect(),
            owners: Vec::new(),
            nodes: self.nodes,
            shapes: self.shapes,
            inputs: self.inputs,
            outputs: outputs.iter().map(|wire| wire.value).collect(),
        };
        let mut specs = Vec::new();
        for (drawn, name) in self.owners.into_iter().zip(names) {
            specs.push(drawn.specs.unwrap_or_default());
            parts.owners.push((name, drawn.kind));
        }
        let kept = parts.prune(&HashSet::new())?;
        let mut owners = Vec::new();
        for (&old, (name, kind)) in kept.iter().zip(parts.owners) {
            let specs = std::mem::take(&mut specs[old]);
            let first = weights.len();
            let learnable = specs.iter().map(|spec| spec.trainable).collect();
            weights.extend(specs.into_iter().map(|s| (format!("{name}/{}", s.name), s)));
            owners.push(Owner {
                name,
                kind,
                parameters: first..weights.len(),
                learnable,
            });
        }
        let input = |(name, value)| GraphInput { name, value };
        weight_checks::all_weights(&weights)?;
        Ok(Built {
            graph: Graph {
                owners,
                nodes: parts.nodes,
                shapes: parts.shapes,
                inputs: parts.inputs.into_iter().map(input).collect(),
                outputs: parts.outputs,
                is_sequential,
            },
            weights,
            trainable: parts.trainable,
        })
    }

    /// The names of the owners. Those of inputs are taken, too, but for the one of a chain, which nobody chose.
    fn names(&self, is_sequential: bool) -> Result<Vec<String>> {
        let inputs = self.inputs.iter().filter(|_| !is_sequential);
        let taken: Vec<&str> = inputs.map(|(name, _)| name.as_str()).collect();
        let named: Vec<Named<'_>> = self
            .owners
            .iter()
            .map(|owner| Named {
                class_name: owner.kind.class_name(),
                given: owner.kind.given_name(),
            })
            .collect();
        names::of(&taken, &named)
    }
}

/// The parts of a graph while some of them are left out.
struct Parts<E: Element> {
    owners: Vec<(String, Kind<E>)>,
    trainable: Vec<bool>,
    nodes: Vec<Node>,
    shapes: Vec<Vec<usize>>,
    inputs: Vec<(String, usize)>,
    outputs: Vec<usize>,
}

impl<E: Element> Parts<E> {
    /// Leaves out what leads to no output; returns the old numbers of the owners that stay. Inputs that lead to no
    /// output are an error, unless `droppable` names them.
    fn prune(&mut self, droppable: &HashSet<String>) -> Result<Vec<usize>> {
        let mut wanted = vec![false; self.shapes.len()];
        for &value in &self.outputs {
            wanted[value] = true;
        }
        let mut stays = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            stays[index] = node.outputs.clone().any(|value| wanted[value]);
            if stays[index] {
                node.inputs.iter().for_each(|&value| wanted[value] = true);
                node.outputs.clone().for_each(|value| wanted[value] = true);
            }
        }
        if let Some((name, _)) = self
            .inputs
            .iter()
            .find(|(name, value)| !wanted[*value] && !droppable.contains(name))
        {
            return Err(Error::Config(format!("input {name:?} leads to no output")));
        }
        self.inputs.retain(|(_, value)| wanted[*value]);
        let mut number = 0;
        let numbers: Vec<usize> = wanted
            .iter()
            .map(|&wanted| {
                number += usize::from(wanted);
                number.saturating_sub(1)
            })
            .collect();
        retain(&mut self.shapes, &wanted);
        let mut owner_stays = vec![false; self.owners.len()];
        for (node, _) in self.nodes.iter().zip(&stays).filter(|(_, stays)| **stays) {
            owner_stays[node.owner] = true;
        }
        let kept: Vec<usize> = (0..self.owners.len()).filter(|&o| owner_stays[o]).collect();
        let mut new = vec![0; self.owners.len()];
        kept.iter().enumerate().for_each(|(n, &old)| new[old] = n);
        retain(&mut self.owners, &owner_stays);
        retain(&mut self.trainable, &owner_stays);
        retain(&mut self.nodes, &stays);
        for node in &mut self.nodes {
            node.owner = new[node.owner];
            node.inputs.iter_mut().for_each(|v| *v = numbers[*v]);
            let count = node.outputs.len();
            let first = node.outputs.clone().next().map_or(0, |v| numbers[v]);
            node.outputs = first..first + count;
        }
        self.inputs.iter_mut().for_each(|(_, v)| *v = numbers[*v]);
        self.outputs.iter_mut().for_each(|v| *v = numbers[*v]);
        Ok(kept)
    }
}

fn retain<T>(list: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    list.retain(|_| stays.next().copied().unwrap_or(true));
}

impl<E: Element> Graph<E> {
    /// The part of the graph that leads to these values, with the old numbers of its owners; inputs that are not needed
    /// fall away.
    pub(crate) fn up_to(&self, outputs: Vec<usize>) -> Result<(Graph<E>, Vec<usize>)> {
        let names = self.inputs.iter().map(|i| i.name.clone()).collect();
        let mut parts = Parts {
            owners: self
                .owners
                .iter()
                .map(|owner| (owner.name.clone(), owner.kind.clone()))
                .collect(),
            trainable: vec![true; self.owners.len()],
            nodes: self.nodes.clone(),
            shapes: self.shapes.clone(),
            inputs: self
                .inputs
                .iter()
                .map(|i| (i.name.clone(), i.value))
                .collect(),
            outputs,
        };
        let kept = parts.prune(&names)?;
        let mut first = 0;
        let owners = kept.iter().zip(parts.owners).map(|(&old, (name, kind))| {
            let count = self.owners[old].parameters.len();
            first += count;
            Owner {
                name,
                kind,
                parameters: first - count..first,
                learnable: self.owners[old].learnable.clone(),
            }
        });
        let owners: Vec<Owner<E>> = owners.collect();
        // A chain that ends earlier is a chain.
        let is_chain = parts.outputs.len() == 1
            && parts.outputs[0] + 1 == parts.shapes.len()
            && self.is_sequential;
        let graph = Graph {
            owners,
            nodes: parts.nodes,
            shapes: parts.shapes,
            inputs: parts
                .inputs
                .into_iter()
                .map(|(name, value)| GraphInput { name, value })
                .collect(),
            outputs: parts.outputs,
            is_sequential: is_chain,
        };
        Ok((graph, kept))
    }
}
