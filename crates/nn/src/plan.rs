//! How a model runs: the nodes of its graph in order, with those that a fusion pattern covers replaced by one fused
//! stage, and the slots in which values wait for their readers.

mod conv2d_sum;

use crate::fusion::{self, Fused};
use crate::graph::{Graph, Kind};
use crate::layers::Activation;
use crate::{ActivationKind, Context, Error, ForwardRelu, Layer, Result};
use conv2d_sum::ConvolutionAndSum;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// What runs, in order. A value lies in a slot from the stage that makes it to the last one that reads it; a chain needs
/// one slot.
pub(crate) struct Plan<E: Element> {
    stages: Vec<Stage<E>>,
    /// How many slots there are, and those of the inputs and the outputs.
    slots: usize,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

struct Stage<E: Element> {
    /// The nodes that it covers; a pattern's weights are those of the first.
    nodes: Arc<[u32]>,
    reads: Vec<Read>,
    /// A slot an output; none for one that nobody reads.
    writes: Vec<Option<usize>>,
    run: Run<E>,
    /// Whether a mask may begin here.
    masks: bool,
}

/// A slot that a stage reads, and whether it is the last to do so.
#[derive(Clone, Copy)]
struct Read {
    slot: usize,
    last: bool,
}

enum Run<E: Element> {
    /// The pattern's name, and what it runs.
    Fused(&'static str, Box<dyn Fused<E>>),
    /// A junction and the relu behind it.
    Relu(ForwardRelu<E>),
    /// A convolution, the sum that alone reads it, and perhaps relu behind that.
    Sum(ConvolutionAndSum, bool),
    /// What the node's owner is.
    Owner,
    /// What stands in for the node's layer.
    Instead(Arc<dyn Layer<E>>),
}

/// Layers that stand in for those of some nodes.
pub(crate) type Instead<E> = BTreeMap<usize, Arc<dyn Layer<E>>>;

impl<E: Element> Plan<E> {
    /// The plan for a graph, in which other layers may stand in for those of some nodes.
    pub(crate) fn new(graph: &Graph<E>, instead: &Instead<E>, fuse: bool) -> Self {
        let patterns = if fuse { fusion::all() } else { Vec::new() };
        let runs = graph.runs();
        let mut covered = vec![false; graph.nodes.len()];
        let mut groups: Vec<Group<E>> = Vec::new();
        let reader = graph.only_readers();
        let mut sums = if fuse {
            sums(graph, instead)
        } else {
            BTreeMap::new()
        };
        // A convolution with a sum behind it runs where the sum stands.
        sums.values().for_each(|sum| covered[sum.layer] = true);
        for first in 0..graph.nodes.len() {
            if covered[first] {
                continue;
            }
            let next = reader[first].filter(|next| fuse && !instead.contains_key(next));
            if let Some(sum) = sums.remove(&first) {
                let relu = next.filter(|&next| is_relu(graph, next));
                let run = Run::Sum(sum.run, relu.is_some());
                let mut nodes = vec![sum.layer, first];
                nodes.extend(relu);
                relu.iter().for_each(|&next| covered[next] = true);
                let inputs = vec![graph.nodes[sum.layer].inputs[0], sum.other];
                groups.push(Group { nodes, inputs, run });
                continue;
            }
            let inputs = graph.nodes[first].inputs.clone();
            if let Some((next, forward)) = next.and_then(|next| with_relu(graph, first, next)) {
                covered[next] = true;
                let (nodes, run) = (vec![first, next], Run::Relu(forward));
                groups.push(Group { nodes, inputs, run });
                continue;
            }
            let run: Vec<&dyn Layer<E>> = runs[first]
                .iter()
                .filter_map(|&node| match instead.get(&node) {
                    Some(layer) => Some(&**layer),
                    None => graph.layer(node).map(|(layer, ..)| &**layer),
                })
                .collect();
            let find = |row: &fusion::Row<E>| Some((row.name, (row.find)(&run)?));
            let found = patterns.iter().filter(|_| !run.is_empty()).find_map(find);
            let (nodes, run) = match found {
                Some((name, found)) => (
                    runs[first][..found.covers].to_vec(),
                    Run::Fused(name, found.run),
                ),
                None => (
                    vec![first],
                    match instead.get(&first) {
                        Some(layer) => Run::Instead(Arc::clone(layer)),
                        None => Run::Owner,
                    },
                ),
            };
            nodes.iter().for_each(|&node| covered[node] = true);
            groups.push(Group { nodes, inputs, run });
        }
        Self::with_slots(graph, groups)
    }

    /// Gives every value a slot, from where it is made to where it is last read.
    fn with_slots(graph: &Graph<E>, groups: Vec<Group<E>>) -> Self {
        let mut readers_left = vec![0usize; graph.shapes.len()];
        for group in &groups {
            for &value in &group.inputs {
                readers_left[value] += 1;
            }
        }
        // Outputs wait until the end.
        for &value in &graph.outputs {
            readers_left[value] += 1;
        }
        let mut slots = Slots::default();
        let mut slot_of = vec![None; graph.shapes.len()];
        for input in &graph.inputs {
            slot_of[input.value] = Some(slots.take());
        }
        let mut stages = Vec::new();
        for Group { nodes, inputs, run } in groups {
            let last = nodes[nodes.len() - 1];
            let mut reads = Vec::new();
            for value in inputs {
                readers_left[value] -= 1;
                // A value stands in front of its readers, so it has a slot.
                let slot = slot_of[value].unwrap_or_default();
                let last = readers_left[value] == 0;
                if last {
                    slots.give_back(slot);
                }
                reads.push(Read { slot, last });
            }
            let outputs = graph.nodes[last].outputs.clone();
            let writes = outputs
                .map(|value| {
                    slot_of[value] = (readers_left[value] > 0).then(|| slots.take());
                    slot_of[value]
                })
                .collect();
            stages.push(Stage {
                masks: nodes
                    .iter()
                    .any(|&node| graph.layer(node).is_some_and(|(layer, ..)| layer.masks())),
                nodes: nodes.iter().map(|&node| node as u32).collect(),
                reads,
                writes,
                run,
            });
        }
        let slot = |value: usize| slot_of[value].unwrap_or_default();
        Plan {
            stages,
            inputs: graph.inputs.iter().map(|i| slot(i.value)).collect(),
            outputs: graph.outputs.iter().map(|&value| slot(value)).collect(),
            slots: slots.count,
        }
    }

    /// Runs all stages: from the model's inputs to its outputs. Weights that no optimizer moves are replaced by their new
    /// values as the pass goes on, so that a second call of a layer sees what the first one did.
    pub(crate) fn forward(
        &self,
        graph: &Graph<E>,
        inputs: Vec<Var<E>>,
        weights: &mut [Var<E>],
        trainable: &[bool],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let mut slots: Vec<Option<Var<E>>> = vec![None; self.slots];
        // Where masks travel, they do beside the values.
        let mut masks: Vec<Option<Tensor<E>>> = vec![None; self.slots];
        context.set_mask(None);
        for (&slot, input) in self.inputs.iter().zip(inputs) {
            slots[slot] = Some(input);
        }
        for stage in &self.stages {
            let node = stage.nodes[0] as usize;
            let owner = graph.nodes[node].owner;
            let parameters = graph.owners[owner].parameters.clone();
            context.enter(&stage.nodes, parameters.start, trainable[owner]);
            let seen = context.updates().len();
            let behind = if stage.masks || masks.iter().any(Option::is_some) {
                stage.masks(graph, &slots, &mut masks, context)
            } else {
                Ok(Vec::new())
            };
            let behind =
                behind.map_err(|error| error.in_layer(&graph.owners[owner].name, owner))?;
            let outputs = stage
                .forward(graph, &mut slots, &weights[parameters], context)
                .map_err(|error| error.in_layer(&graph.owners[owner].name, owner))?;
            for (index, value) in &context.updates()[seen..] {
                if let Some(weight) = weights.get_mut(*index) {
                    *weight = weight.tape().constant(value);
                }
            }
            for (slot, output) in stage.writes.iter().zip(outputs) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(output);
                }
            }
            for (slot, mask) in stage.writes.iter().zip(behind) {
                if let Some(slot) = slot {
                    masks[*slot] = mask;
                }
            }
        }
        context.set_mask(None);
        let output = |&slot: &usize| slots[slot].clone().ok_or_else(lost);
        self.outputs.iter().map(output).collect()
    }

    /// The stages: the pattern's name, if any, and the nodes covered.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (Option<&'static str>, &[u32])> {
        self.stages.iter().map(|stage| {
            let name = match &stage.run {
                Run::Fused(name, _) => Some(*name),
                Run::Relu(_) => Some("junction_relu"),
                Run::Sum(..) => Some(conv2d_sum::NAME),
                Run::Owner | Run::Instead(_) => None,
            };
            (name, &*stage.nodes)
        })
    }
}

impl<E: Element> Stage<E> {
    /// Gives the context the mask of what the stage reads, and returns those of what it writes.
    fn masks(
        &self,
        graph: &Graph<E>,
        slots: &[Option<Var<E>>],
        masks: &mut [Option<Tensor<E>>],
        context: &mut Context<E>,
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let value = |read: &Read| slots[read.slot].as_ref().map(Var::value).ok_or_else(lost);
        let inputs = self.reads.iter().map(value).collect::<Result<Vec<_>>>()?;
        let before: Vec<Option<Tensor<E>>> = self
            .reads
            .iter()
            .map(|read| masks[read.slot].clone())
            .collect();
        for read in self.reads.iter().filter(|read| read.last) {
            masks[read.slot] = None;
        }
        let mut own: Vec<Option<Tensor<E>>> = before.clone();
        for (index, &node) in self.nodes.iter().enumerate() {
            match &graph.owner(node as usize).kind {
                Kind::Layer(layer) => {
                    let (x, mask) = (inputs[0], own.first().and_then(Option::as_ref));
                    own = vec![layer.output_mask(x, mask)?];
                }
                // One in the middle of a stage has the stage's inputs.
                Kind::Junction(junction) => {
                    let mut given: Vec<Option<&Tensor<E>>> =
                        before.iter().map(Option::as_ref).collect();
                    let made = own.first().and_then(Option::as_ref);
                    if index > 0 && !given.is_empty() {
                        given[0] = made;
                    }
                    own = junction.output_masks(&inputs, &given)?;
                }
            }
        }
        context.set_mask(before.into_iter().next().flatten());
        Ok(own)
    }

    fn forward(
        &self,
        graph: &Graph<E>,
        slots: &mut [Option<Var<E>>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let mut inputs = Vec::with_capacity(self.reads.len());
        for read in &self.reads {
            let value = if read.last {
                slots[read.slot].take()
            } else {
                slots[read.slot].clone()
            };
            inputs.push(value.ok_or_else(lost)?);
        }
        let layer = match &self.run {
            Run::Fused(_, fused) => {
                return Ok(vec![fused.forward(&inputs[0], weights, context)?]);
            }
            Run::Relu(forward) => return Ok(vec![forward(inputs)?]),
            Run::Sum(sum, relu) => {
                let [x, other] = &inputs[..] else {
                    return Err(lost());
                };
                return Ok(vec![sum.forward(x, other, weights, *relu)?]);
            }
            Run::Instead(layer) => layer,
            Run::Owner => match &graph.owner(self.nodes[0] as usize).kind {
                Kind::Layer(layer) => layer,
                Kind::Junction(junction) => {
                    let inputs: Vec<&Var<E>> = inputs.iter().collect();
                    let outputs = junction.forward(&inputs, weights, context)?;
                    return if outputs.len() == self.writes.len() {
                        Ok(outputs)
                    } else {
                        let message = format!(
                            "its forward pass returned {} outputs, its shapes say {}",
                            outputs.len(),
                            self.writes.len()
                        );
                        Err(Error::layer(junction.class_name(), message))
                    };
                }
            },
        };
        Ok(vec![layer.forward(&inputs[0], weights, context)?])
    }
}

/// Nodes that run as one, and the values that they read.
struct Group<E: Element> {
    nodes: Vec<usize>,
    inputs: Vec<usize>,
    run: Run<E>,
}

/// A convolution and a sum: the layer that makes one of the two values, the other value, and what runs.
struct Sum {
    layer: usize,
    other: usize,
    run: ConvolutionAndSum,
}

/// By the node of the sum, those that one kernel can do. Of two convolutions that meet it is the later.
fn sums<E: Element>(graph: &Graph<E>, instead: &Instead<E>) -> BTreeMap<usize, Sum> {
    let makers = graph.own_makers();
    let mut sums = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let Kind::Junction(junction) = &graph.owner(index).kind else {
            continue;
        };
        let sum = |at: usize| {
            let layer = makers[node.inputs[at]].filter(|layer| !instead.contains_key(layer))?;
            let (conv, ..) = graph.layer(layer)?;
            let run = ConvolutionAndSum::of(&**conv, &**junction, node.inputs.len())?;
            let other = node.inputs[1 - at];
            Some(Sum { layer, other, run })
        };
        let found = (0..node.inputs.len().min(2)).filter_map(sum);
        sums.extend(found.max_by_key(|sum| sum.layer).map(|sum| (index, sum)));
    }
    sums
}

/// Whether that is relu alone.
fn is_relu<E: Element>(graph: &Graph<E>, node: usize) -> bool {
    let layer = graph.layer(node).map(|(layer, ..)| layer.as_any());
    let layer: Option<&Activation> = layer.and_then(|layer| layer.downcast_ref());
    layer.is_some_and(|layer| layer.activation == ActivationKind::Relu)
}

/// The way of a junction that has one for itself and relu behind it, if that is what `next` is; and `next`.
fn with_relu<E: Element>(
    graph: &Graph<E>,
    node: usize,
    next: usize,
) -> Option<(usize, ForwardRelu<E>)> {
    let Kind::Junction(junction) = &graph.owner(node).kind else {
        return None;
    };
    let forward = junction.forward_relu()?;
    is_relu(graph, next).then_some((next, forward))
}

/// Slots are given out by the plan itself; this cannot be met.
fn lost() -> Error {
    Error::layer("model", "a value was read that no stage has made")
}

/// Slots in use, and those that are free again.
#[derive(Default)]
struct Slots {
    count: usize,
    free: Vec<usize>,
}

impl Slots {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }

    fn give_back(&mut self, slot: usize) {
        self.free.push(slot);
    }
}

/// The plan up to the logits, for models of which some outputs end in an activation function.
pub(crate) struct Head<E: Element> {
    /// One an output; `Linear` where nothing was taken away.
    pub(crate) activations: Vec<ActivationKind>,
    pub(crate) plan: Plan<E>,
}

impl<E: Element> Head<E> {
    pub(crate) fn new(graph: &Graph<E>, fuse: bool) -> Option<Self> {
        let mut instead = Instead::new();
        let split = |node: Option<usize>| {
            let node = node?;
            let (layer, ..) = graph.layer(node)?;
            let (activation, linear) = layer.split_activation()?;
            instead.insert(node, linear.into());
            Some(activation)
        };
        let last = graph.last_layers().into_iter();
        let activations: Vec<_> = last
            .map(split)
            .map(|a| a.unwrap_or(ActivationKind::Linear))
            .collect();
        (!instead.is_empty()).then(|| Head {
            activations,
            plan: Plan::new(graph, &instead, fuse),
        })
    }
}

impl<E: Element> Debug for Plan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stages()).finish()
    }
}
