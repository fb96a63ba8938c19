//! A recurrent layer of one kind of cell, and the junction that it is with states.

use super::cell::Cell;
use super::run::Run;
use super::settings::{Kind, RecurrentCell, cell_settings, object, taken};
use super::unroll::unroll;
use super::{Gru, Lstm};
use crate::{
    ActivationKind, Constraint, Context, Describe, DescribeJunction, Error, Junction, Layer,
    Regularizer, Result, WeightSpec, config, setting, weight_checks,
};
use serde_json::{Map, Value, json};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Tensor};

/// A cell and its way over sequences, `[steps, features]` → `[units]`, or `[steps, units]` with `return_sequences`.
/// [`LSTM`](crate::layers::LSTM), [`GRU`](crate::layers::GRU) and [`SimpleRNN`](crate::layers::SimpleRNN) are such.
///
/// With [`return_state`](Self::return_state), or with states in front of the first step as further inputs, it is a junction:
/// `let [y, h, c] = net.split(LSTM::new(8).return_state(true), &[x])` has the outputs and both states,
/// `net.join(LSTM::new(8), &[x, h, c])` begins with these states.
///
/// A masked step (see [`Masking`](crate::layers::Masking)) leaves the states as they are and repeats the output.
///
/// Keras's `unroll` is read and changes nothing; `stateful` is refused: states that outlive a batch would be weights of the
/// model.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent<K> {
    pub(crate) name: Option<String>,
    pub(crate) cell: RecurrentCell<K>,
    pub(crate) run: Run,
    pub(crate) activity_regularizer: Option<Regularizer>,
}

/// Methods that set how a recurrent layer goes over sequences.
macro_rules! run_settings {
    () => {
        /// Whether the outputs of all steps come out (default: the last one).
        pub fn return_sequences(mut self, on: bool) -> Self {
            self.run.return_sequences = on;
            self
        }

        /// Whether the states behind the last step come out, too, which makes a junction of it (default: no).
        pub fn return_state(mut self, on: bool) -> Self {
            self.run.return_state = on;
            self
        }

        /// From the last step to the first; outputs are in the order in which they are made (default: no).
        pub fn go_backwards(mut self, on: bool) -> Self {
            self.run.go_backwards = on;
            self
        }

        /// Whether the outputs of masked steps are zeros instead of those of the step before (default: no).
        pub fn zero_output_for_mask(mut self, on: bool) -> Self {
            self.run.zero_output_for_mask = on;
            self
        }

        /// The layer's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }
    };
}
pub(crate) use run_settings;

impl<K: Kind> Recurrent<K> {
    /// A layer of `units` outputs; everything else as Keras has it by default.
    pub fn new(units: usize) -> Self {
        Recurrent {
            name: None,
            cell: RecurrentCell::new(units),
            run: Run::default(),
            activity_regularizer: None,
        }
    }

    cell_settings!(cell.settings);
    run_settings!();

    /// Penalty on the layer's output, divided by the batch size (default: none).
    pub fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// The cell, which [`RNN`](crate::layers::RNN) takes, too.
    pub fn cell(&self) -> &RecurrentCell<K> {
        &self.cell
    }

    /// Reads Keras's description of the layer.
    ///
    /// # Errors
    /// An unknown entry, a value of the wrong kind, `stateful`.
    pub fn from_config(value: &Value) -> Result<Self> {
        let class_name = K::NAMES[0];
        let mut entries = object(class_name, value)?;
        let run = run_of(class_name, &mut entries)?;
        let mut own = taken(&mut entries, &["name", "activity_regularizer"]);
        let name = own.remove("name").unwrap_or(Value::Null);
        let regularizer = own.remove("activity_regularizer").unwrap_or(Value::Null);
        let wrong = |name: &str, error| Error::Config(format!("{class_name}: {name}: {error}"));
        Ok(Recurrent {
            name: setting::read(name).map_err(|error| wrong("name", error))?,
            run,
            activity_regularizer: setting::read(regularizer)
                .map_err(|error| wrong("activity_regularizer", error))?,
            cell: RecurrentCell::taken_from(class_name, entries)?,
        })
    }

    fn described(&self) -> Value {
        let mut entries = self.cell.entries();
        add_run(&mut entries, &self.run);
        entries.insert(
            "activity_regularizer".into(),
            config::unparse(&self.activity_regularizer),
        );
        if let Some(name) = &self.name {
            entries.insert("name".into(), json!(name));
        }
        Value::Object(entries)
    }

    /// The weights, and the shapes of the outputs and states.
    fn shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let penalty =
            weight_checks::penalty::<f32>("activity_regularizer", self.activity_regularizer);
        penalty.map_err(|fault| Error::layer(K::NAMES[0], fault))?;
        shapes::<f32>(K::NAMES[0], &self.cell, &self.run, inputs)
    }

    fn specs(&self, features: usize) -> Result<Vec<WeightSpec>> {
        let specs = Cell::<f32>::weights(&self.cell, features)
            .map_err(|error| renamed(error, K::NAMES[0]))?;
        Ok(within(K::NAMES[2], specs))
    }

    /// A random one, and the shape of one input.
    pub(crate) fn sample(sampler: &mut Sampler) -> (Self, [usize; 2]) {
        let mut layer = Self::new(sampler.integer(1, 3))
            .use_bias(sampler.coin())
            .return_sequences(sampler.coin())
            .go_backwards(sampler.coin());
        if sampler.coin() {
            // Smooth ones: states pass several times.
            let smooth = [crate::Tanh, crate::Sigmoid, crate::Softplus, crate::Linear];
            layer = layer.activation(sampler.one_of(&smooth));
        }
        if sampler.coin() {
            layer = layer.dropout(sampler.number(0.0, 0.5));
        }
        if sampler.coin() {
            layer = layer.recurrent_dropout(sampler.number(0.0, 0.5));
        }
        if sampler.coin() {
            layer = layer.name("named").kernel_regularizer(crate::L2(0.1));
        }
        (layer, [sampler.integer(1, 3), sampler.integer(1, 3)])
    }
}

impl Recurrent<Lstm> {
    /// The function of the gates (default: sigmoid).
    pub fn recurrent_activation(mut self, activation: ActivationKind) -> Self {
        self.cell.kind.recurrent_activation = activation;
        self
    }

    /// Whether the bias of the forget gate is 1 at first (default: yes).
    pub fn unit_forget_bias(mut self, on: bool) -> Self {
        self.cell.kind.unit_forget_bias = on;
        self
    }
}

impl Recurrent<Gru> {
    /// The function of the gates (default: sigmoid).
    pub fn recurrent_activation(mut self, activation: ActivationKind) -> Self {
        self.cell.kind.recurrent_activation = activation;
        self
    }

    /// Whether the reset gate works behind the recurrent product (default: yes).
    pub fn reset_after(mut self, on: bool) -> Self {
        self.cell.kind.reset_after = on;
        self
    }
}

/// The entries that say how a layer goes over sequences, taken out, with those that change nothing here.
pub(crate) fn run_of(class_name: &str, entries: &mut Map<String, Value>) -> Result<Run> {
    let run = taken(entries, Run::KEYS);
    let rest = taken(entries, &["stateful", "unroll"]);
    match rest.get("stateful") {
        None | Some(Value::Bool(false) | Value::Null) => {}
        Some(other) => {
            return Err(Error::Config(format!(
                "{class_name}: stateful is {other}, it must be false: a layer keeps nothing from batch to batch"
            )));
        }
    }
    match rest.get("unroll") {
        None | Some(Value::Bool(_) | Value::Null) => {}
        Some(other) => {
            return Err(Error::Config(format!(
                "{class_name}: unroll is {other}, expected true or false"
            )));
        }
    }
    config::parse(class_name, &Value::Object(run))
}

pub(crate) fn add_run(entries: &mut Map<String, Value>, run: &Run) {
    if let Value::Object(run) = config::unparse(run) {
        entries.extend(run);
    }
}

/// Weights of what has this name within a layer.
pub(crate) fn within(name: &str, specs: Vec<WeightSpec>) -> Vec<WeightSpec> {
    let prefixed = |spec: WeightSpec| WeightSpec {
        name: format!("{name}/{}", spec.name).into(),
        ..spec
    };
    specs.into_iter().map(prefixed).collect()
}

/// An error of the cell in a layer that is one with it.
fn renamed(error: Error, class_name: &str) -> Error {
    match error {
        Error::Layer { message, .. } => Error::layer(class_name, message),
        other => other,
    }
}

/// The shapes of outputs and states, for sequences and perhaps states to begin with.
pub(crate) fn shapes<E: Element>(
    class_name: &str,
    cell: &dyn Cell<E>,
    run: &Run,
    inputs: &[&[usize]],
) -> Result<Vec<Vec<usize>>> {
    let fail = |message: String| Err(Error::layer(class_name, message));
    let (Some(&&[steps, features]), [_, states @ ..]) = (inputs.first(), inputs) else {
        return fail(format!(
            "an input [steps, features] is wanted, this one is {:?}",
            inputs.first().copied().unwrap_or_default()
        ));
    };
    if steps == 0 || features == 0 {
        return fail(format!(
            "[{steps}, {features}]: at least a step and a feature are wanted"
        ));
    }
    cell.weights(features)
        .map_err(|error| renamed(error, class_name))?;
    let sizes: Vec<Vec<usize>> = cell
        .state_sizes()
        .into_iter()
        .map(|size| vec![size])
        .collect();
    if !states.is_empty() && states != sizes {
        return fail(format!(
            "states {states:?} are given to begin with, units say that these are wanted: {sizes:?}"
        ));
    }
    let size = cell.output_size();
    let mut shapes = vec![if run.return_sequences {
        vec![steps, size]
    } else {
        vec![size]
    }];
    if run.return_state {
        shapes.extend(sizes);
    }
    Ok(shapes)
}

/// What a layer says of states, which only a junction has.
pub(crate) fn one_output(class_name: &str, mut shapes: Vec<Vec<usize>>) -> Result<Vec<usize>> {
    if shapes.len() == 1 {
        return Ok(shapes.remove(0));
    }
    let message = "return_state makes several outputs: it is a junction then (`Functional::join`)";
    Err(Error::layer(class_name, message))
}

impl<K: Kind> Describe for Recurrent<K> {
    fn class_name(&self) -> &'static str {
        K::NAMES[0]
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        self.described()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        one_output(K::NAMES[0], self.shapes(&[input])?)
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        self.specs(input.last().copied().unwrap_or(0))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        Cell::<f32>::constraint(&self.cell, weight.rsplit('/').next()?)
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<K: Kind, E: Element> Layer<E> for Recurrent<K> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let passed = unroll(&self.cell, &self.run, x, &[], weights, context)?;
        context.penalize(&passed.outputs, self.activity_regularizer)?;
        Ok(passed.outputs)
    }

    fn output_mask(&self, _x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        Ok(mask.filter(|_| self.run.return_sequences).cloned())
    }
}

impl<K: Kind> DescribeJunction for Recurrent<K> {
    fn class_name(&self) -> &'static str {
        K::NAMES[0]
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        self.described()
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        self.shapes(inputs)
    }

    fn weights(&self, inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        let input = inputs.first().and_then(|input| input.last());
        self.specs(input.copied().unwrap_or(0))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        Describe::constraint(self, weight)
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<K: Kind, E: Element> Junction<E> for Recurrent<K> {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let [x, initial @ ..] = inputs else {
            return Err(Error::layer(K::NAMES[0], "there is no input"));
        };
        let passed = unroll(&self.cell, &self.run, x, initial, weights, context)?;
        context.penalize(&passed.outputs, self.activity_regularizer)?;
        Ok(outputs(passed, &self.run))
    }

    fn output_masks(
        &self,
        _inputs: &[&Tensor<E>],
        masks: &[Option<&Tensor<E>>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(masks_of(masks, &self.run, K::STATES))
    }
}

/// The outputs of a junction.
pub(crate) fn outputs<E: Element>(passed: super::Passed<E>, run: &Run) -> Vec<Var<E>> {
    let mut outputs = vec![passed.outputs];
    if run.return_state {
        outputs.extend(passed.states);
    }
    outputs
}

/// The masks of a junction's outputs: states have none.
pub(crate) fn masks_of<E: Element>(
    masks: &[Option<&Tensor<E>>],
    run: &Run,
    states: usize,
) -> Vec<Option<Tensor<E>>> {
    let first = masks.first().copied().flatten();
    let mut all = vec![first.filter(|_| run.return_sequences).cloned()];
    if run.return_state {
        all.extend(std::iter::repeat_n(None, states));
    }
    all
}
