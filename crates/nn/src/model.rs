//! A built model: a graph, its parameters, and the plan of how to run it.

mod batch;
mod run;

pub use batch::{Losses, Measured, Step, Tensors};
pub(crate) use run::{check_inputs, only, outputs_and_losses};

use crate::graph::{Built, Graph, Kind};
use crate::plan::{Head, Instead, Plan};
use crate::weights::{self, Loaded};
use crate::{Constraint, Error, Regularizer, Result, WeightSpec};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use taper_tensor::{Element, Seed, Tensor};

/// A built model: a graph of layers, parameters, and the (fused) plan. [`Sequential`](crate::Sequential) and
/// [`Functional`](crate::Functional) build it. A clone shares the weights' memory until one of the two changes them.
///
/// ```
/// use taper_nn::{CategoricalCrossentropy, Relu, Seed, Sequential, Softmax, layers::Dense};
/// use taper_tensor::Tensor;
///
/// let mut model = Sequential::new([4]).add(Dense::new(8).activation(Relu)).add(Dense::new(3).activation(Softmax)).build(Seed(7))?;
/// let (x, y) = (Tensor::ones([2, 4]), Tensor::one_hot(&[0, 2], 3)?);
/// let step = model.train_batch(&x, &y, &CategoricalCrossentropy, Seed(7), 0)?;
/// assert_eq!(step.output().shape(), [2, 3]);
/// assert_eq!(step.gradients.len(), model.parameters().len());
/// assert_eq!(model.predict(&x)?.shape(), [2, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone)]
pub struct Model<E: Element = f32> {
    /// Shared with clones, and with what is prepared from the model.
    pub(crate) graph: Arc<Graph<E>>,
    pub(crate) parameters: Vec<Parameter<E>>,
    /// Whether each owner learns.
    trainable: Vec<bool>,
    plan: Arc<Plan<E>>,
    head: Option<Arc<Head<E>>>,
    fuse: bool,
}

/// One named weight of a model.
#[derive(Clone, Debug)]
pub struct Parameter<E: Element = f32> {
    /// Layer and weight, e.g. `conv2d_1/kernel`.
    pub name: String,
    /// The value.
    pub value: Tensor<E>,
    /// Its penalty.
    pub regularizer: Option<Regularizer>,
    /// What it must be after every step of an optimizer; whoever makes the step applies it.
    pub constraint: Option<Constraint>,
    /// Whether the optimizer moves it. [`Model::set_trainable`] sets it for a whole layer.
    pub trainable: bool,
}

/// An output inside a model, for [`Model::with_outputs`]: a layer's name (`"dense"`), for a layer that is called more
/// than once with the number of the call (`("tower", 1)`, from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// Which call of the layer, from 0.
    pub call: usize,
    /// Which output of a junction that has several, from 0.
    pub output: usize,
}

impl<'a> From<&'a str> for Inner<'a> {
    fn from(layer: &'a str) -> Self {
        Inner::from((layer, 0))
    }
}

impl<'a> From<(&'a str, usize)> for Inner<'a> {
    fn from((layer, call): (&'a str, usize)) -> Self {
        Inner {
            layer,
            call,
            output: 0,
        }
    }
}

/// A model of this graph, with initial weights that are a function of the seed.
pub(crate) fn fresh<E: Element>(built: Built<E>, fuse: bool, seed: Seed) -> Result<Model<E>> {
    let mut index = 0;
    with_weights(built, fuse, |_, spec| {
        index += 1;
        Ok(spec.initializer.tensor(&spec.shape, seed, index - 1))
    })
}

/// A model of this graph with the given weights.
pub(crate) fn restored<E: Element>(
    built: Built<E>,
    fuse: bool,
    given: impl IntoIterator<Item = (String, Tensor<E>)>,
) -> Result<Model<E>> {
    let mut given = weights::by_name(given)?;
    let take = |name: &str, spec: &WeightSpec| weights::take(&mut given, name, &spec.shape);
    let model = with_weights(built, fuse, take)?;
    weights::none_left(&given)?;
    Ok(model)
}

fn with_weights<E: Element>(
    built: Built<E>,
    fuse: bool,
    mut value: impl FnMut(&str, &WeightSpec) -> Result<Tensor<E>>,
) -> Result<Model<E>> {
    let owners = built.graph.owners.iter();
    let kinds = owners.flat_map(|owner| owner.parameters.clone().map(|_| &owner.kind));
    let mut parameters = Vec::new();
    for ((name, spec), kind) in built.weights.into_iter().zip(kinds) {
        parameters.push(Parameter {
            constraint: kind.constraint(&spec.name),
            value: value(&name, &spec)?,
            name,
            regularizer: spec.regularizer,
            trainable: spec.trainable,
        });
    }
    let mut model = Model::assemble(built.graph, parameters, built.trainable, fuse);
    for owner in 0..model.trainable.len() {
        let on = model.trainable[owner];
        model.freeze(owner, !on);
    }
    Ok(model)
}

impl<E: Element> Model<E> {
    fn assemble(
        graph: Graph<E>,
        parameters: Vec<Parameter<E>>,
        trainable: Vec<bool>,
        fuse: bool,
    ) -> Self {
        Model {
            plan: Arc::new(Plan::new(&graph, &Instead::new(), fuse)),
            head: Head::new(&graph, fuse).map(Arc::new),
            graph: Arc::new(graph),
            parameters,
            trainable,
            fuse,
        }
    }

    /// The names of the inputs, and the shape of a sample of each, without the batch axis. That of a chain is called
    /// `input`.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let inputs = self.graph.inputs.iter();
        inputs.map(|input| (input.name.as_str(), &*self.graph.shapes[input.value]))
    }

    /// The shape of one input, without the batch axis; of several inputs, the first.
    pub fn input_shape(&self) -> &[usize] {
        let input = self.graph.inputs.first();
        input.map_or(&[], |input| &self.graph.shapes[input.value])
    }

    /// The shapes of the outputs, without the batch axis.
    pub fn output_shapes(&self) -> impl Iterator<Item = &[usize]> {
        let outputs = self.graph.outputs.iter();
        outputs.map(|&value| &*self.graph.shapes[value])
    }

    /// The shape of one output, without the batch axis; of several outputs, the first.
    pub fn output_shape(&self) -> &[usize] {
        self.output_shapes().next().unwrap_or(&[])
    }

    /// The names of the outputs, in their order: each that of the layer which makes it (as Keras's), or of the input
    /// that it is. Where a name comes again, because a layer is called twice or makes several, `_1`, `_2`, … follow it.
    /// Losses, metrics and data sets' targets are given to outputs by these names.
    ///
    /// ```
    /// use taper_nn::{Functional, Seed, layers::Dense};
    /// let mut net = Functional::new();
    /// let x = net.input("x", [4]);
    /// let (kind, size) = (net.apply(Dense::new(3).name("kind"), x), net.apply(Dense::new(1).name("size"), x));
    /// assert_eq!(net.outputs(&[kind, size]).build(Seed(7))?.output_names(), ["kind", "size"]);
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    pub fn output_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for &value in &self.graph.outputs {
            let base = self.graph.name_of(value);
            let numbered = (1..).map(|number| format!("{base}_{number}"));
            let mut candidates = std::iter::once(base.to_owned()).chain(numbered);
            names.extend(candidates.find(|name| !names.contains(name)));
        }
        names
    }

    /// The names of the layers (junctions are layers here), in the order of their first call.
    pub fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.graph.owners.iter().map(|owner| owner.name.as_str())
    }

    /// All weights, layer by layer.
    pub fn parameters(&self) -> &[Parameter<E>] {
        &self.parameters
    }

    /// All weights, to be changed. Shapes must stay as they are.
    pub fn parameters_mut(&mut self) -> &mut [Parameter<E>] {
        &mut self.parameters
    }

    /// The weight of this name, e.g. `conv2d/kernel`.
    pub fn parameter(&self, name: &str) -> Option<&Parameter<E>> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The weight of this name, to be changed. Its shape must stay as it is.
    pub fn parameter_mut(&mut self, name: &str) -> Option<&mut Parameter<E>> {
        self.parameters.iter_mut().find(|p| p.name == name)
    }

    /// Whether the layer of this number learns.
    pub(crate) fn learns(&self, owner: usize) -> bool {
        self.trainable[owner]
    }

    /// Whether the layer of this name learns; `None` if there is none.
    pub fn is_trainable(&self, layer: &str) -> Option<bool> {
        Some(self.trainable[self.owner(layer)?])
    }

    /// Whether the weights of a layer learn from now on (Keras's `trainable`). What does not learn has no penalty either,
    /// as in Keras, and a frozen BatchNormalization runs with its moving averages and leaves them as they are. Goes into
    /// checkpoints.
    ///
    /// # Errors
    /// No layer of this name.
    pub fn set_trainable(&mut self, layer: &str, on: bool) -> Result<()> {
        let Some(owner) = self.owner(layer) else {
            let known: Vec<&str> = self.layer_names().collect();
            return Err(Error::Config(format!(
                "no layer is called {layer:?}: there are {}",
                known.join(", ")
            )));
        };
        self.freeze(owner, !on);
        Ok(())
    }

    fn owner(&self, layer: &str) -> Option<usize> {
        self.layer_names().position(|name| name == layer)
    }

    fn freeze(&mut self, owner: usize, frozen: bool) {
        self.trainable[owner] = !frozen;
        let owner = &self.graph.owners[owner];
        let parameters = &mut self.parameters[owner.parameters.clone()];
        for (parameter, &learnable) in parameters.iter_mut().zip(&owner.learnable) {
            parameter.trainable = learnable && !frozen;
        }
    }

    /// How the model runs: for each stage the fused kernel's name (`None` for a layer by itself) and the names of the
    /// layers that it covers.
    pub fn stages(&self) -> Vec<(Option<&'static str>, Vec<&str>)> {
        let name = |&node: &u32| self.graph.owner(node as usize).name.as_str();
        self.plan
            .stages()
            .map(|(kernel, nodes)| (kernel, nodes.iter().map(name).collect()))
            .collect()
    }

    /// Replaces all weights, by name. On an error nothing has changed.
    ///
    /// # Errors
    /// Weights that are unknown, missing, given twice or of another shape.
    pub fn set_weights(
        &mut self,
        new: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<()> {
        let mut new = weights::by_name(new)?;
        let take = |old: &Parameter<E>| weights::take(&mut new, &old.name, old.value.shape());
        let values = self
            .parameters
            .iter()
            .map(take)
            .collect::<Result<Vec<_>>>()?;
        weights::none_left(&new)?;
        for (parameter, value) in self.parameters.iter_mut().zip(values) {
            parameter.value = value;
        }
        Ok(())
    }

    /// Replaces the weights whose names and shapes fit, leaves all others as they are, and says which is which: for a
    /// new last layer on top of trained ones.
    ///
    /// ```
    /// use taper_nn::{Seed, Sequential, layers::Dense};
    /// let trained = Sequential::new([4]).add(Dense::new(8).name("body")).add(Dense::new(10).name("old")).build(Seed(1))?;
    /// let mut model = Sequential::new([4]).add(Dense::new(8).name("body")).add(Dense::new(2).name("new")).build(Seed(2))?;
    /// let loaded = model.load_weights(trained.parameters().iter().map(|p| (p.name.clone(), p.value.clone())))?;
    /// assert_eq!(loaded.taken, ["body/kernel", "body/bias"]);
    /// assert_eq!(loaded.missing, ["new/kernel", "new/bias"]);
    /// assert_eq!(loaded.left_over, ["old/bias", "old/kernel"]);
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name that is given twice.
    pub fn load_weights(
        &mut self,
        weights: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Loaded> {
        let mut given = weights::by_name(weights)?;
        let mut loaded = Loaded::default();
        for parameter in &mut self.parameters {
            let name = parameter.name.clone();
            match given.remove(&name) {
                None => loaded.missing.push(name),
                Some(value) if value.shape() == parameter.value.shape() => {
                    parameter.value = value;
                    loaded.taken.push(name);
                }
                Some(value) => {
                    let shapes = (value.shape().to_vec(), parameter.value.shape().to_vec());
                    loaded.misfits.push((name, shapes.0, shapes.1));
                }
            }
        }
        loaded.left_over = given.into_keys().collect();
        Ok(loaded)
    }

    /// The part of this model that leads to these inner outputs, as a model of its own. It shares the weights' memory
    /// until one of the two changes them; inputs that are not needed fall away.
    ///
    /// ```
    /// use taper_nn::{Relu, Seed, Sequential, layers::Dense};
    /// use taper_tensor::Tensor;
    /// let model = Sequential::new([4]).add(Dense::new(8).activation(Relu)).add(Dense::new(3)).build(Seed(7))?;
    /// let features = model.with_outputs(["dense"])?;
    /// assert_eq!(features.predict(&Tensor::ones([1, 4]))?.shape(), [1, 8]);
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name that no layer has, a call or an output that it does not have.
    pub fn with_outputs<'a, I: Into<Inner<'a>>>(
        &self,
        outputs: impl IntoIterator<Item = I>,
    ) -> Result<Self> {
        let value = |inner: I| {
            let Inner {
                layer,
                call,
                output,
            } = inner.into();
            self.graph.value_of(layer, call, output)
        };
        let outputs: Vec<usize> = outputs.into_iter().map(value).collect::<Result<_>>()?;
        let (graph, kept) = self.graph.up_to(outputs)?;
        let ranges = kept
            .iter()
            .map(|&o| self.graph.owners[o].parameters.clone());
        let parameters = ranges.flat_map(|range| self.parameters[range].iter().cloned());
        let parameters = parameters.collect();
        let trainable = kept.iter().map(|&o| self.trainable[o]).collect();
        Ok(Model::assemble(graph, parameters, trainable, self.fuse))
    }

    /// Weights of these names do not learn.
    pub(crate) fn freeze_weights(&mut self, names: &[String]) -> Result<()> {
        let mut wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
        for parameter in &mut self.parameters {
            if wanted.remove(&*parameter.name) {
                parameter.trainable = false;
            }
        }
        match names.iter().find(|name| wanted.contains(name.as_str())) {
            Some(name) => {
                let message = format!("frozen_weights: the model has no {name}");
                Err(Error::Config(message))
            }
            None => Ok(()),
        }
    }

    /// The sum of the penalties of all weights that learn.
    pub fn penalty(&self) -> f64 {
        let learning = self.parameters.iter().filter(|p| p.trainable);
        let value = |parameter: &Parameter<E>| Some(parameter.regularizer?.value(&parameter.value));
        learning.filter_map(value).sum()
    }

    /// Whether a layer may add penalties of its outputs to the loss.
    pub(crate) fn penalizes(&self) -> bool {
        self.graph.owners.iter().any(|o| o.kind.penalizes())
    }

    /// What the plan to the logits takes away from each output; `Linear` where nothing.
    pub(crate) fn last_activations(&self) -> Vec<crate::ActivationKind> {
        match &self.head {
            Some(head) => head.activations.clone(),
            None => vec![crate::Linear; self.graph.outputs.len()],
        }
    }
}

impl<E: Element> fmt::Debug for Model<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<&Kind<E>> = self.graph.owners.iter().map(|o| &o.kind).collect();
        f.debug_struct("Model")
            .field("layers", &layers)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
