//! What one step of a recurrent layer is, whatever the kind: from an input and states to an output and new states.

use super::run::Run;
use crate::{Constraint, Context, Result, WeightSpec};
use serde_json::Value;
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::Element;

/// One step of a recurrent layer: a pure description, as a layer is. [`RNN`](crate::layers::RNN) takes one through time.
pub trait Cell<E: Element = f32>: Debug + Send + Sync + 'static {
    /// Keras's class name, e.g. `LSTMCell`.
    fn class_name(&self) -> &'static str;

    /// The name that the user gave; without one it is made from the class name.
    fn name(&self) -> Option<&str>;

    /// The description as JSON (Keras's names), which [`from_config`](super::from_config) reads back.
    fn config(&self) -> Value;

    /// How many values each state has.
    fn state_sizes(&self) -> Vec<usize>;

    /// How many values the output has.
    fn output_size(&self) -> usize;

    /// The weights for inputs of so many features, or what makes the description unfit.
    fn weights(&self, features: usize) -> Result<Vec<WeightSpec>>;

    /// What the weight of this name must be after every step of an optimizer.
    fn constraint(&self, _weight: &str) -> Option<Constraint> {
        None
    }

    /// What is dropped in this pass, the same in all steps, of `x` `[n, steps, features]`.
    fn drops(&self, x: &Var<E>, context: &mut Context<E>) -> Result<Drops<E>>;

    /// From `x` `[n, features]` and the states to the output and the new states.
    fn step(
        &self,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &[Var<E>],
        drops: &Drops<E>,
    ) -> Result<(Var<E>, Vec<Var<E>>)>;

    /// All steps at once, where that is faster than one after the other. `None`, the default: there is no such way.
    fn whole(
        &self,
        _run: &Run,
        _x: &Var<E>,
        _initial: &[&Var<E>],
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Option<Passed<E>>> {
        Ok(None)
    }
}

/// What is left of inputs and states in a pass of training: factors to multiply them with, one for all gates, one a gate,
/// or none.
#[derive(Clone, Debug)]
pub struct Drops<E: Element = f32> {
    /// Of the inputs.
    pub input: Vec<Var<E>>,
    /// Of the states.
    pub recurrent: Vec<Var<E>>,
    /// Those of the cells of a stack.
    pub parts: Vec<Drops<E>>,
}

impl<E: Element> Default for Drops<E> {
    fn default() -> Self {
        Drops {
            input: Vec::new(),
            recurrent: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// What a pass over sequences made.
#[derive(Debug)]
pub struct Passed<E: Element = f32> {
    /// `[n, steps, size]`, or `[n, size]` of the last step.
    pub outputs: Var<E>,
    /// The states behind the last step, `[n, size]` each.
    pub states: Vec<Var<E>>,
}
