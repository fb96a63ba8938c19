//! Any recurrent cell through time.

use super::{Row, Sample};
use crate::names::snake_case;
use crate::recurrent::layer::{
    add_run, masks_of, one_output, outputs, run_of, run_settings, shapes, within,
};
use crate::recurrent::{
    Cell, GRUCell, LSTMCell, Run, SimpleRNNCell, StackedRNNCells, from_config, object, unroll,
};
use crate::{
    Constraint, Context, Describe, DescribeJunction, Error, Junction, Layer, Result, WeightSpec,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Tensor};

/// Takes a [`Cell`] over sequences: `[steps, features]` → `[size]`, or `[steps, size]` with `return_sequences`.
///
/// Weights: the cell's, under its name (`lstm_cell/kernel`). With `return_state`, or with states to begin with as further
/// inputs, it is a junction, as [`LSTM`](super::LSTM) is. `stateful` is refused there, too.
///
/// ```
/// use taper_nn::{Describe, layers::RNN, recurrent::{GRUCell, LSTMCell, StackedRNNCells}};
/// let layer = RNN::<f32>::new(StackedRNNCells::new().add(LSTMCell::new(8)).add(GRUCell::new(4)));
/// assert_eq!(layer.output_shape(&[10, 3])?, [4]);
/// assert_eq!(layer.weights(&[10, 3])?[0].name, "stacked_rnn_cells/lstm_cell/kernel");
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RNN<E: Element = f32> {
    name: Option<String>,
    cell: Arc<dyn Cell<E>>,
    run: Run,
}

impl<E: Element> RNN<E> {
    /// A layer of this cell.
    pub fn new(cell: impl Cell<E>) -> Self {
        RNN {
            name: None,
            cell: Arc::new(cell),
            run: Run::default(),
        }
    }

    run_settings!();

    /// Reads Keras's description of the layer.
    ///
    /// # Errors
    /// An unknown entry, a value of the wrong kind, a cell that is none, `stateful`.
    pub fn from_config(value: &Value) -> Result<Self> {
        let mut entries = object(CLASS, value)?;
        let run = run_of(CLASS, &mut entries)?;
        let name = name_of(CLASS, &mut entries)?;
        let Some(cell) = entries.remove("cell") else {
            return Err(Error::Config(format!("{CLASS}: cell is missing")));
        };
        nothing_left(CLASS, &entries)?;
        let inside = |error| Error::Config(format!("{CLASS}: cell: {error}"));
        Ok(RNN {
            name,
            cell: from_config(&cell).map_err(inside)?.into(),
            run,
        })
    }

    fn described(&self) -> Value {
        let cell = json!({"class_name": self.cell.class_name(), "config": self.cell.config()});
        let mut entries = Map::from_iter([("cell".to_owned(), cell)]);
        add_run(&mut entries, &self.run);
        if let Some(name) = &self.name {
            entries.insert("name".into(), json!(name));
        }
        Value::Object(entries)
    }

    fn shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        shapes(CLASS, &*self.cell, &self.run, inputs).map_err(|error| match error {
            Error::Layer { layer, message } => Error::Layer {
                layer,
                message: format!("cell: {message}"),
            },
            other => other,
        })
    }

    /// The cell's name among the weights.
    fn cell_name(&self) -> String {
        let made = || snake_case(self.cell.class_name());
        self.cell.name().map_or_else(made, str::to_owned)
    }

    fn specs(&self, features: usize) -> Result<Vec<WeightSpec>> {
        Ok(within(&self.cell_name(), self.cell.weights(features)?))
    }

    fn constraint_of(&self, weight: &str) -> Option<Constraint> {
        self.cell.constraint(weight.split_once('/')?.1)
    }

    /// A random one, and the shape of one input.
    pub(crate) fn sample(sampler: &mut Sampler) -> (Self, [usize; 2]) {
        let units = sampler.integer(1, 3);
        let layer = match sampler.integer(0, 3) {
            0 => RNN::new(SimpleRNNCell::new(units)),
            1 => RNN::new(LSTMCell::new(units).dropout(sampler.number(0.0, 0.5))),
            2 => RNN::new(GRUCell::new(units).reset_after(false)),
            _ => RNN::new(
                StackedRNNCells::new()
                    .add(LSTMCell::new(units).name("first"))
                    .add(GRUCell::new(sampler.integer(1, 3)).recurrent_dropout(0.25)),
            ),
        };
        let layer = layer
            .return_sequences(sampler.coin())
            .go_backwards(sampler.coin());
        (layer, [sampler.integer(1, 3), sampler.integer(1, 3)])
    }

    /// The sizes of its states.
    pub(crate) fn state_sizes(&self) -> Vec<usize> {
        self.cell.state_sizes()
    }
}

const CLASS: &str = "RNN";

/// The name that the user gave, taken out.
pub(super) fn name_of(
    class_name: &str,
    entries: &mut Map<String, Value>,
) -> Result<Option<String>> {
    match entries.remove("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(other) => Err(Error::Config(format!(
            "{class_name}: name is {other}, expected a word"
        ))),
    }
}

/// Nothing unknown may be left.
pub(super) fn nothing_left(class_name: &str, entries: &Map<String, Value>) -> Result<()> {
    match entries.keys().next() {
        None => Ok(()),
        Some(odd) => Err(Error::Config(format!(
            "{class_name}: unknown field `{odd}`"
        ))),
    }
}

impl<E: Element> Describe for RNN<E> {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        self.described()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        one_output(CLASS, self.shapes(&[input])?)
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        self.specs(input.last().copied().unwrap_or(0))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for RNN<E> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        Ok(unroll(&*self.cell, &self.run, x, &[], weights, context)?.outputs)
    }

    fn output_mask(&self, _x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        Ok(mask.filter(|_| self.run.return_sequences).cloned())
    }
}

impl<E: Element> DescribeJunction for RNN<E> {
    fn class_name(&self) -> &'static str {
        CLASS
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
        self.constraint_of(weight)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for RNN<E> {
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>> {
        let [x, initial @ ..] = inputs else {
            return Err(Error::layer(CLASS, "there is no input"));
        };
        let passed = unroll(&*self.cell, &self.run, x, initial, weights, context)?;
        Ok(outputs(passed, &self.run))
    }

    fn output_masks(
        &self,
        _inputs: &[&Tensor<E>],
        masks: &[Option<&Tensor<E>>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(masks_of(masks, &self.run, self.cell.state_sizes().len()))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: CLASS,
        about: "any recurrent cell, step by step",
        file: file!(),
        from_config: |config| Ok(Box::new(RNN::<E>::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = RNN::<E>::sample(sampler);
            Sample::new(layer, input)
        },
    }
}
