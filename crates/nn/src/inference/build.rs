//! From a graph to what is done, one thing behind the other: runs of layers become steps; steps and junctions that treat
//! each sample by itself form stages.

use super::fold::Item;
use super::junctions::{self, ConvolutionAndSum, JunctionWork, Meeting};
use super::places::{Ends, Places, Value};
use super::run::Deed;
use super::stage::{Part, Stage, Step, Task};
use super::steps::{self, Found, Row, Then};
use super::whole;
use crate::graph::{Graph, Kind};
use crate::junctions::Add;
use crate::{ActivationKind, Linear, Model, Result, Sigmoid, Softmax};

/// What is done, in order, and where values lie.
pub(super) fn deeds(model: &Model) -> Result<(Vec<Deed>, Places)> {
    if whole::is_masked(model) {
        return Ok(whole::deeds(model));
    }
    let graph = &*model.graph;
    let mut builder = Builder::new(model);
    for group in groups(graph) {
        match group.head {
            Some(junction) => builder.junction(junction, &group.run)?,
            None => builder.run(&group.run)?,
        }
    }
    Ok(builder.finish())
}

/// Layers that run one behind the other, perhaps behind a junction that nobody else reads.
struct Group {
    head: Option<usize>,
    run: Vec<usize>,
}

/// All nodes, each in one group; the groups are in an order in which they can run.
fn groups(graph: &Graph<f32>) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut covered = vec![false; graph.nodes.len()];
    let reader = graph.only_readers();
    for first in 0..graph.nodes.len() {
        if covered[first] {
            continue;
        }
        let (head, next) = match graph.owner(first).kind {
            Kind::Layer(_) => (None, Some(first)),
            Kind::Junction(_) => (Some(first), reader[first]),
        };
        let run: Vec<usize> = std::iter::successors(next, |&n| reader[n]).collect();
        run.iter().for_each(|&node| covered[node] = true);
        groups.push(Group { head, run });
    }
    groups
}

/// What runs at a junction, the nodes in front of it that this covers, and what it reads.
struct Front {
    name: &'static str,
    nodes: Vec<usize>,
    inputs: Vec<usize>,
    from: Vec<Value>,
    work: Box<dyn JunctionWork>,
}

struct Builder<'a> {
    model: &'a Model,
    table: Vec<Row>,
    parts: Vec<Part>,
    /// Where each value of the graph is found; those that no part has made yet are not.
    at: Vec<Option<Value>>,
    /// Values of a sample that lie between parts.
    between: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn new(model: &'a Model) -> Self {
        let mut at = vec![None; model.graph.shapes.len()];
        for (index, input) in model.graph.inputs.iter().enumerate() {
            at[input.value] = Some(Value::Input(index));
        }
        Builder {
            model,
            table: steps::all(),
            parts: Vec::new(),
            at,
            between: Vec::new(),
        }
    }

    fn size(&self, value: usize) -> usize {
        self.model.graph.shapes[value].iter().product()
    }

    /// A new value between parts.
    fn new_value(&mut self, size: usize) -> Value {
        self.between.push(size);
        Value::Between(self.between.len() - 1)
    }

    /// Where a value of the graph is found. What stands in front of a node has been made.
    fn find(&self, value: usize) -> Value {
        self.at[value].unwrap_or(Value::Input(0))
    }

    /// A run of layers by itself.
    fn run(&mut self, run: &[usize]) -> Result<()> {
        let (first, last) = (run[0], run[run.len() - 1]);
        let from = self.model.graph.nodes[first].inputs[0];
        let to = self.model.graph.nodes[last].outputs.start;
        let items = Item::all(self.model, run);
        let steps = self.steps(&items, &self.model.graph.shapes[from])?;
        // Where nothing is left to do, the value is the one in front.
        self.at[to] = Some(self.chain(steps, self.find(from)));
        Ok(())
    }

    /// Steps one behind the other, and where their output is found.
    fn chain(&mut self, steps: Vec<Step>, mut value: Value) -> Value {
        for step in steps {
            let next = self.new_value(step.outputs);
            self.parts.push(Part {
                task: Task::Step(step),
                from: vec![value],
                to: vec![next],
            });
            value = next;
        }
        value
    }

    /// A junction, what is done in place behind it, and the rest of the run.
    fn junction(&mut self, node: usize, run: &[usize]) -> Result<()> {
        let graph = &*self.model.graph;
        let inputs = &graph.nodes[node].inputs;
        let from: Vec<Value> = inputs.iter().map(|&value| self.find(value)).collect();
        let items = Item::all(self.model, run);
        let mut then: Vec<Then> = items.iter().map_while(Then::of).collect();
        let rest = &items[then.len()..];
        let mut names: Vec<usize> = vec![node];
        names.extend(items[..then.len()].iter().map(|item| item.node));
        let mut front = match self.convolution(node, &mut then) {
            Some(front) => front,
            None => {
                let work = junctions::work(self.model, node)?;
                Front {
                    name: work.name,
                    nodes: Vec::new(),
                    inputs: inputs.iter().map(|&value| self.size(value)).collect(),
                    from,
                    work: work.work,
                }
            }
        };
        let outputs = graph.nodes[node].outputs.clone();
        let sizes: Vec<usize> = outputs.clone().map(|value| self.size(value)).collect();
        let to: Vec<Value> = sizes.iter().map(|&size| self.new_value(size)).collect();
        for (value, &place) in outputs.clone().zip(&to) {
            self.at[value] = Some(place);
        }
        front.nodes.extend(names);
        let meeting = Meeting {
            name: front.name,
            nodes: front.nodes,
            inputs: front.inputs,
            outputs: sizes,
            work: front.work,
            then,
        };
        let mut value = to[0];
        self.parts.push(Part {
            task: Task::Meeting(meeting),
            from: front.from,
            to,
        });
        let Some(&last) = run.last() else {
            return Ok(());
        };
        if let Some(first) = rest.first() {
            let steps = self.steps(rest, first.input)?;
            value = self.chain(steps, value);
        }
        self.at[graph.nodes[last].outputs.start] = Some(value);
        Ok(())
    }

    /// Takes the step in front of a sum of two away, if that alone reads what it makes and it can add the other value itself;
    /// and relu behind the sum, if it is there.
    fn convolution(&mut self, node: usize, then: &mut Vec<Then>) -> Option<Front> {
        let graph = &*self.model.graph;
        let inputs = &graph.nodes[node].inputs;
        let Kind::Junction(junction) = &graph.owner(node).kind else {
            return None;
        };
        if !junction.as_any().is::<Add>() || inputs.len() != 2 {
            return None;
        }
        let is_relu = |then: &Then| matches!(then, Then::Activation(ActivationKind::Relu, _));
        let relu = then.first().is_some_and(is_relu);
        let makers = graph.own_makers();
        // The later step, so that what it adds has been made.
        let found = [0, 1].into_iter().filter_map(|at| {
            let (value, other) = (inputs[at], inputs[1 - at]);
            let place = makers[value].and(self.at[value])?;
            // A layer that does nothing at inference leaves its value where another is found.
            if self.at.iter().filter(|at| **at == Some(place)).count() > 1 {
                return None;
            }
            let index = self.parts.iter().position(|part| part.to == [place])?;
            let Task::Step(step) = &self.parts[index].task else {
                return None;
            };
            let convolution = step.work.with_sum(relu);
            let convolution = convolution.filter(|_| step.then.is_empty())?;
            Some((index, other, convolution))
        });
        let (index, other, convolution) = found.max_by_key(|(index, ..)| *index)?;
        let Part { task, mut from, .. } = self.parts.remove(index);
        from.push(self.find(other));
        if relu {
            then.remove(0);
        }
        let inputs = task.inputs().iter().copied().chain([self.size(other)]);
        Some(Front {
            name: junctions::CONVOLUTION_AND_SUM,
            nodes: task.covers().1.to_vec(),
            inputs: inputs.collect(),
            from,
            work: Box::new(ConvolutionAndSum(convolution)),
        })
    }

    /// The steps of some layers, for samples of this shape.
    fn steps(&self, items: &[Item<'a>], mut start: &'a [usize]) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let mut first = 0;
        while first < items.len() {
            let ahead = &items[first..];
            let (name, mut found) = match self.row(ahead)? {
                Some(found) => found,
                None => ("copy", Found::copy(start)),
            };
            let mut covers = found.covers;
            while let Some(then) = ahead.get(covers).and_then(Then::of) {
                found.then.push(then);
                covers += 1;
            }
            let covered = &ahead[..covers];
            let output = covered.last().map_or(start, |item| item.output);
            steps.push(Step {
                name,
                nodes: covered.iter().map(|item| item.node).collect(),
                inputs: start.iter().product(),
                outputs: output.iter().product(),
                work: found.work,
                then: found.then,
            });
            first += covers;
            start = output;
        }
        Ok(steps)
    }

    /// The first row that can make something of the layers ahead, by name.
    fn row(&self, ahead: &[Item<'_>]) -> Result<Option<(&'static str, Found)>> {
        for row in &self.table {
            if let Some(found) = (row.find)(self.model, ahead)? {
                return Ok(Some((row.name, found)));
            }
        }
        Ok(None)
    }

    /// Sends the outputs out: directly where the part that makes one makes it for nobody else, by a copy otherwise.
    fn finish(mut self) -> (Vec<Deed>, Places) {
        let outputs = &self.model.graph.outputs;
        let found: Vec<Value> = outputs.iter().map(|&value| self.find(value)).collect();
        for (index, &value) in found.iter().enumerate() {
            let target = Value::Output(index);
            let twice = found.iter().filter(|&&other| other == value).count() > 1;
            let read = self.parts.iter().any(|part| part.from.contains(&value));
            let made = self
                .parts
                .iter_mut()
                .flat_map(|part| &mut part.to)
                .find(|to| **to == value)
                .filter(|_| !twice && !read);
            match made {
                Some(to) => *to = target,
                None => {
                    let shape = &self.model.graph.shapes[outputs[index]];
                    let size: usize = shape.iter().product();
                    let step = Step {
                        name: "copy",
                        nodes: Vec::new(),
                        inputs: size,
                        outputs: size,
                        work: Found::copy(shape).work,
                        then: Vec::new(),
                    };
                    self.parts.push(Part {
                        task: Task::Step(step),
                        from: vec![value],
                        to: vec![target],
                    });
                }
            }
        }
        let mut deeds = deeds_of(self.parts);
        let ends = deeds.iter_mut().map(|deed| Ends {
            from: &mut deed.from,
            to: &mut deed.to,
        });
        let places = Places::new(&mut ends.collect::<Vec<_>>(), &self.between);
        (deeds, places)
    }
}

/// Parts that treat each sample by itself form one stage.
fn deeds_of(parts: Vec<Part>) -> Vec<Deed> {
    let mut groups: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| Stage::takes(last, &part)) => {
                group.push(part);
            }
            _ => groups.push(vec![part]),
        }
    }
    let mut deeds = Vec::new();
    // From the end: what stages behind read is known then.
    let mut read: Vec<Value> = Vec::new();
    for group in groups.into_iter().rev() {
        let (stage, from, to) = Stage::new(group, |value| read.contains(&value));
        read.extend(&from);
        deeds.push(Deed { stage, from, to });
    }
    deeds.reverse();
    deeds
}

/// Takes the activation function of each output's last layer away where losses may take it in, and says which it is.
pub(super) fn take_last(model: &Model, deeds: &mut [Deed]) -> Vec<ActivationKind> {
    let take = |(index, last): (usize, ActivationKind)| {
        let taken = maker(deeds, index).and_then(|part| {
            let then = part.task.then();
            let joint = [Softmax, Sigmoid].contains(&last);
            then.pop_if(|then| matches!(then, Then::Activation(kind, _) if joint && *kind == last))
        });
        taken.map_or(Linear, |_| last)
    };
    model
        .last_activations()
        .into_iter()
        .enumerate()
        .map(take)
        .collect()
}

/// The part that makes an output of the model and nothing else.
fn maker(deeds: &mut [Deed], output: usize) -> Option<&mut Part> {
    deeds.iter_mut().find_map(|deed| {
        let number = deed.to.iter().position(|&to| to == Value::Output(output))?;
        let mut parts = deed.stage.parts.iter_mut();
        parts.find(|part| part.to == [Value::Output(number)])
    })
}
