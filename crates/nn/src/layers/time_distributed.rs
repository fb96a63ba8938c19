//! A layer at every step of a sequence.

use super::bidirectional::{inner_layer, inside};
use super::rnn::{name_of, nothing_left};
use super::{Conv2D, Dense, Row, Sample};
use crate::names::snake_case;
use crate::recurrent::layer::within;
use crate::recurrent::object;
use crate::{Constraint, Context, Describe, Error, Layer, Result, WeightSpec};
use serde_json::{Value, json};
use std::sync::Arc;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Applies a layer to every step of a sequence, with the same weights: `[steps, …]` → `[steps, …]`.
///
/// Weights: the layer's, under its name (`dense/kernel`). All steps run as one batch, unless the layer keeps statistics of its
/// batches, which in training see the steps one after the other, as in Keras. As there, an activity regularizer of the layer
/// counts for nothing. Layers of other crates cannot be read from a description inside of it.
///
/// ```
/// use taper_nn::{Describe, layers::{Dense, TimeDistributed}};
/// let layer = TimeDistributed::<f32>::new(Dense::new(8));
/// assert_eq!(layer.output_shape(&[10, 3])?, [10, 8]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeDistributed<E: Element = f32> {
    name: Option<String>,
    layer: Arc<dyn Layer<E>>,
}

impl<E: Element> TimeDistributed<E> {
    /// This layer at every step.
    pub fn new(layer: impl Layer<E>) -> Self {
        TimeDistributed {
            name: None,
            layer: Arc::new(layer),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads Keras's description of the layer.
    ///
    /// # Errors
    /// An unknown entry, a value of the wrong kind, a layer that is none.
    pub fn from_config(value: &Value) -> Result<Self> {
        let mut entries = object(CLASS, value)?;
        let name = name_of(CLASS, &mut entries)?;
        let Some(layer) = entries.remove("layer") else {
            return Err(Error::Config(format!("{CLASS}: layer is missing")));
        };
        nothing_left(CLASS, &entries)?;
        Ok(TimeDistributed {
            name,
            layer: inner_layer(CLASS, "layer", &layer)?,
        })
    }

    /// Steps, and the shape of one.
    fn step<'a>(&self, input: &'a [usize]) -> Result<(usize, &'a [usize])> {
        match input {
            [steps, step @ ..] if !step.is_empty() => Ok((*steps, step)),
            _ => {
                let message = format!(
                    "an input [steps, …] of at least two axes is wanted, this one is {input:?}"
                );
                Err(Error::layer(CLASS, message))
            }
        }
    }
}

const CLASS: &str = "TimeDistributed";

impl<E: Element> Describe for TimeDistributed<E> {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        let (class_name, config) = (self.layer.class_name(), self.layer.config());
        let mut config = json!({"layer": {"class_name": class_name, "config": config}});
        if let Some(name) = &self.name {
            config["name"] = json!(name);
        }
        config
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (steps, step) = self.step(input)?;
        let shape = self.layer.output_shape(step);
        Ok([
            &[steps],
            &shape.map_err(|error| inside(CLASS, "layer", error))?[..],
        ]
        .concat())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let (_, step) = self.step(input)?;
        let own = self
            .layer
            .weights(step)
            .map_err(|error| inside(CLASS, "layer", error))?;
        let made = snake_case(self.layer.class_name());
        Ok(within(self.layer.name().unwrap_or(&made), own))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.layer.constraint(weight.split_once('/')?.1)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for TimeDistributed<E> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (n, (steps, step)) = (x.shape()[0], self.step(&x.shape()[1..])?);
        let mask = context.set_mask(None);
        let penalties = context.penalties.len();
        let specs = self.layer.weights(step)?;
        let y = if context.learns() && specs.iter().any(|spec| !spec.trainable) {
            self.one_by_one(x, weights, context)?
        } else {
            let flat = x.reshape([&[n * steps], step].concat())?;
            let y = self.layer.forward(&flat, weights, context)?;
            y.reshape([&[n, steps], &y.shape()[1..]].concat())?
        };
        context.penalties.truncate(penalties);
        context.set_mask(mask);
        Ok(y)
    }

    fn output_mask(&self, _x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        Ok(mask.cloned())
    }
}

impl<E: Element> TimeDistributed<E> {
    /// For layers that keep statistics: each step sees those that the one before has left.
    fn one_by_one(
        &self,
        x: &Var<E>,
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let (n, (steps, step)) = (x.shape()[0], self.step(&x.shape()[1..])?);
        let mut weights = weights.to_vec();
        let mut outputs = Vec::new();
        for index in 0..steps {
            let now = x
                .slice(1, index..index + 1)?
                .reshape([&[n], step].concat())?;
            let seen = context.updates().len();
            let y = self.layer.forward(&now, &weights, context)?;
            let first = context.first_weight();
            for (weight, value) in &context.updates()[seen..] {
                if let Some(weight) = weights.get_mut(*weight - first) {
                    *weight = x.tape().constant(value);
                }
            }
            outputs.push(y.reshape([&[n, 1], &y.shape()[1..]].concat())?);
        }
        Ok(Var::concat(&outputs.iter().collect::<Vec<_>>(), 1)?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: CLASS,
        about: "a layer at every step of a sequence",
        file: file!(),
        from_config: |config| Ok(Box::new(TimeDistributed::<E>::from_config(config)?)),
        sample: |sampler| {
            let steps = sampler.integer(1, 3);
            if sampler.coin() {
                let layer = TimeDistributed::<E>::new(Dense::new(sampler.integer(1, 3)));
                return Sample::new(layer.name("named"), [steps, sampler.integer(1, 3)]);
            }
            let layer =
                TimeDistributed::<E>::new(Conv2D::new(sampler.integer(1, 2), 2).name("inner"));
            Sample::new(layer, [steps, 3, 2, sampler.integer(1, 2)])
        },
    }
}
