//! Random graphs, with a second way to compute what they compute: node by node, without plan, slots and fusion.

use taper_autograd::gradcheck::Sampler;
use taper_autograd::{Tape, Var};
use taper_nn::junctions::{Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract};
use taper_nn::layers::{
    Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten,
    LayerNormalization, MaxPooling2D,
};
use taper_nn::{
    ActivationKind, Context, Describe, DescribeJunction, Functional, Junction, L1L2, Layer, Linear,
    Model, Outputs, Padding, Relu, Result, Shared, Sigmoid, Softmax, Tanh, Wire,
};
use taper_tensor::{Element, Seed, Stream, Tensor};

/// Which layers a random graph may have.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kinds {
    /// All.
    All,
    /// Those whose gradients differences can check: nothing has a kink.
    Smooth,
}

/// A node of a random graph: what is called, on which values.
pub(crate) struct Call<E: Element> {
    pub(crate) name: String,
    pub(crate) what: What<E>,
    pub(crate) inputs: Vec<usize>,
}

pub(crate) enum What<E: Element> {
    Layer(Box<dyn Layer<E>>),
    Junction(Box<dyn Junction<E>>),
}

/// A random graph, described twice: as a network to build, and as calls to make by hand.
pub(crate) struct Graph<E: Element> {
    pub(crate) network: Outputs<E>,
    pub(crate) calls: Vec<Call<E>>,
    pub(crate) inputs: Vec<Vec<usize>>,
    pub(crate) outputs: Vec<usize>,
}

struct Drawing<E: Element> {
    net: Functional<E>,
    kinds: Kinds,
    wires: Vec<(Wire, Vec<usize>)>,
    /// Layers that were called, with the shape that they were called on.
    shared: Vec<(Shared, Vec<usize>, usize)>,
    calls: Vec<Call<E>>,
    readers: Vec<usize>,
}

impl<E: Element> Graph<E> {
    /// The graph number `case`: 2 to 12 nodes, 1 or 2 inputs.
    pub(crate) fn random(case: u64, kinds: Kinds) -> Self {
        let mut sampler = Sampler::new(97, case);
        let mut drawing = Drawing {
            net: Functional::of(),
            kinds,
            wires: Vec::new(),
            shared: Vec::new(),
            calls: Vec::new(),
            readers: Vec::new(),
        };
        let mut inputs = Vec::new();
        for name in ["left", "right"].iter().take(sampler.integer(1, 2)) {
            let shape = match sampler.coin() {
                true => vec![4 + sampler.integer(0, 2), 5, 2],
                false => vec![sampler.integer(2, 5)],
            };
            let wire = drawing.net.input(name, shape.clone());
            drawing.wires.push((wire, shape.clone()));
            drawing.readers.push(0);
            inputs.push(shape);
        }
        let nodes = sampler.integer(2, 12);
        while drawing.calls.len() < nodes {
            drawing.draw(&mut sampler);
        }
        let is_output = |&value: &usize| drawing.readers[value] == 0;
        let mut outputs: Vec<usize> = (0..drawing.wires.len()).filter(is_output).collect();
        // Sometimes an inner value is an output, too.
        if sampler.coin() {
            let inner = sampler.integer(0, drawing.wires.len() - 1);
            if !outputs.contains(&inner) {
                outputs.push(inner);
            }
        }
        let wires: Vec<Wire> = outputs.iter().map(|&v| drawing.wires[v].0).collect();
        Graph {
            network: drawing.net.outputs(&wires),
            calls: drawing.calls,
            inputs,
            outputs,
        }
    }

    /// Random inputs of `n` samples.
    pub(crate) fn x(&self, n: usize, case: u64) -> Vec<Tensor<E>> {
        let input = |(i, shape): (usize, &Vec<usize>)| random(n, shape, case, i as u64);
        self.inputs.iter().enumerate().map(input).collect()
    }
}

/// Normal numbers for `n` samples of this shape.
pub(crate) fn random<E: Element>(n: usize, shape: &[usize], case: u64, number: u64) -> Tensor<E> {
    let key = Seed(case).key(Stream::User(7), number);
    Tensor::normal([&[n], shape].concat(), 0.0, 1.0, key)
}

impl<E: Element> Drawing<E> {
    fn draw(&mut self, sampler: &mut Sampler) {
        let from = sampler.integer(0, self.wires.len() - 1);
        let shape = self.wires[from].1.clone();
        match sampler.integer(0, 11) {
            0 | 1 => self.add(sampler, from, &shape),
            2 | 3 => self.concatenate(sampler, from, &shape),
            4 => self.call_again(sampler, from, &shape),
            5 => self.merge(sampler, from, &shape),
            6 => self.dot(sampler, from, &shape),
            _ => self.layer(sampler, from, &shape),
        }
    }

    /// Others of the same shape, if there are any; one value may be taken twice.
    fn add(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let same = |&i: &usize| self.wires[i].1 == shape;
        let others: Vec<usize> = (0..self.wires.len()).filter(same).collect();
        let mut inputs = vec![from];
        inputs.extend((0..sampler.integer(1, 2)).map(|_| sampler.one_of(&others)));
        let name = format!("node_{}", self.calls.len());
        self.join(Add::new().name(name), inputs, shape.to_vec());
    }

    /// Another that fits, which may have axes of length 1 or fewer of them.
    fn merge(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let fits = |&i: &usize| {
            let other = &self.wires[i].1;
            let pairs = other.iter().rev().zip(shape.iter().rev());
            other.len() <= shape.len() && pairs.into_iter().all(|(&a, &b)| a == b || a == 1)
        };
        let others: Vec<usize> = (0..self.wires.len()).filter(fits).collect();
        let inputs = vec![from, sampler.one_of(&others)];
        let (name, shape) = (format!("node_{}", self.calls.len()), shape.to_vec());
        let kinds = match self.kinds {
            Kinds::All => 5,
            Kinds::Smooth => 3,
        };
        match sampler.integer(1, kinds) {
            1 => self.join(Subtract::new().name(name), inputs, shape),
            2 => self.join(Average::new().name(name), inputs, shape),
            3 => self.join(Multiply::new().name(name), inputs, shape),
            4 => self.join(Maximum::new().name(name), inputs, shape),
            _ => self.join(Minimum::new().name(name), inputs, shape),
        }
    }

    /// Cosines with another of the same length along the last axis, unless there would be many.
    fn dot(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let last = shape.last();
        let small = |shape: &[usize]| shape.iter().product::<usize>() <= 12;
        let fits = |&i: &usize| self.wires[i].1.last() == last && small(&self.wires[i].1);
        let others: Vec<usize> = (0..self.wires.len()).filter(fits).collect();
        if others.is_empty() || !small(shape) {
            return;
        }
        let other = sampler.one_of(&others);
        let junction = Dot::new(-1).normalize(true);
        let output = junction.output_shapes(&[shape, &self.wires[other].1]);
        let name = format!("node_{}", self.calls.len());
        self.join(
            junction.name(name),
            vec![from, other],
            output.unwrap().remove(0),
        );
    }

    fn concatenate(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let axis = sampler.integer(0, shape.len() - 1);
        let fits = |&i: &usize| {
            let other = &self.wires[i].1;
            other.len() == shape.len()
                && (0..shape.len()).all(|a| a == axis || other[a] == shape[a])
        };
        let others: Vec<usize> = (0..self.wires.len()).filter(fits).collect();
        let other = sampler.one_of(&others);
        let mut output = shape.to_vec();
        output[axis] += self.wires[other].1[axis];
        let name = format!("node_{}", self.calls.len());
        let junction = Concatenate::new().axis(axis as isize + 1).name(name);
        self.join(junction, vec![from, other], output);
    }

    fn join<J: Junction<E> + Clone>(&mut self, junction: J, inputs: Vec<usize>, shape: Vec<usize>) {
        let wires: Vec<Wire> = inputs.iter().map(|&i| self.wires[i].0).collect();
        let wire = self.net.join(junction.clone(), &wires);
        let name = junction.name().unwrap_or_default().to_owned();
        self.push(
            name,
            What::Junction(Box::new(junction)),
            inputs,
            wire,
            shape,
        );
    }

    /// A layer that was called on another value of this shape, called again.
    fn call_again(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let fits = |(_, input, _): &&(Shared, Vec<usize>, usize)| input == shape;
        let known: Vec<_> = self.shared.iter().filter(fits).cloned().collect();
        if known.is_empty() {
            return;
        }
        let (shared, _, first) = known[sampler.integer(0, known.len() - 1)].clone();
        let wire = self.net.call(shared, self.wires[from].0);
        let What::Layer(layer) = &self.calls[first].what else {
            return;
        };
        let again = taper_nn::layers::from_config::<E>(layer.class_name(), &layer.config());
        let again = again.unwrap();
        let output = again.output_shape(shape).unwrap();
        let name = self.calls[first].name.clone();
        self.push(name, What::Layer(again), vec![from], wire, output);
    }

    fn layer(&mut self, sampler: &mut Sampler, from: usize, shape: &[usize]) {
        let name = format!("node_{}", self.calls.len());
        let Some(config) = random_layer(sampler, shape, self.kinds, &name) else {
            return;
        };
        let (class, config) = config;
        let make = || taper_nn::layers::from_config::<E>(class, &config).unwrap();
        let Ok(output) = make().output_shape(shape) else {
            return;
        };
        let shared = self.net.layer_boxed(make());
        let wire = self.net.call(shared, self.wires[from].0);
        self.shared.push((shared, shape.to_vec(), self.calls.len()));
        self.push(name, What::Layer(make()), vec![from], wire, output);
    }

    fn push(
        &mut self,
        name: String,
        what: What<E>,
        inputs: Vec<usize>,
        wire: Wire,
        shape: Vec<usize>,
    ) {
        inputs.iter().for_each(|&input| self.readers[input] += 1);
        self.calls.push(Call { name, what, inputs });
        self.wires.push((wire, shape));
        self.readers.push(0);
    }
}

/// The class and description of a random layer for samples of this shape; none if they do not fit.
fn random_layer(
    sampler: &mut Sampler,
    shape: &[usize],
    kinds: Kinds,
    name: &str,
) -> Option<(&'static str, serde_json::Value)> {
    let all = kinds == Kinds::All;
    let activation: ActivationKind = match all {
        true => sampler.one_of(&[Linear, Relu, Relu, Tanh, Sigmoid, Softmax]),
        false => sampler.one_of(&[Linear, Tanh, Sigmoid, Softmax]),
    };
    fn told<L: Describe>(layer: L) -> Option<(&'static str, serde_json::Value)> {
        Some((layer.class_name(), layer.config()))
    }
    let image = shape.len() == 3;
    match sampler.integer(0, 9) {
        9 => told(LayerNormalization::new().epsilon(0.1).name(name)),
        0 | 1 if image => told(
            Conv2D::new(sampler.integer(1, 3), sampler.integer(1, 3))
                .activation(activation)
                .padding(sampler.one_of(&[Padding::Same, Padding::Valid]))
                .name(name),
        ),
        2 if image && all => told(MaxPooling2D::new(2).name(name)),
        2 if image => told(AveragePooling2D::new(2).name(name)),
        3 if image => told(Flatten),
        4 => told(Activation::new(activation).name(name)),
        5 => told(Dropout::new(0.4).name(name)),
        6 => told(BatchNormalization::new().epsilon(0.1).name(name)),
        7 => told(
            Dense::new(sampler.integer(1, 4))
                .activity_regularizer(L1L2 { l1: 0.0, l2: 0.02 })
                .name(name),
        ),
        _ => told(
            Dense::new(sampler.integer(1, 4))
                .activation(activation)
                .name(name),
        ),
    }
}

/// Every output, node by node, with the model's weights as they are. In training, places are counted in the order of
/// the calls.
pub(crate) fn by_hand<E: Element>(
    graph: &Graph<E>,
    model: &Model<E>,
    x: &[Tensor<E>],
) -> Result<Vec<Tensor<E>>> {
    let tape = Tape::new();
    let mut values: Vec<Var<E>> = x.iter().map(|x| tape.constant(x)).collect();
    for call in &graph.calls {
        let own = |p: &&taper_nn::Parameter<E>| {
            let behind = p.name.strip_prefix(&call.name);
            behind.is_some_and(|rest| rest.starts_with('/'))
        };
        let parameters = model.parameters().iter().filter(own);
        let weights: Vec<Var<E>> = parameters.map(|p| tape.constant(&p.value)).collect();
        let inputs: Vec<&Var<E>> = call.inputs.iter().map(|&i| &values[i]).collect();
        let mut context = Context::inference();
        let output = match &call.what {
            What::Layer(layer) => layer.forward(inputs[0], &weights, &mut context)?,
            What::Junction(junction) => {
                junction.forward(&inputs, &weights, &mut context)?.remove(0)
            }
        };
        values.push(output);
    }
    Ok(graph
        .outputs
        .iter()
        .map(|&v| values[v].value().clone())
        .collect())
}
