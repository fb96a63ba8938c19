//! The optimizer's state beside the model: made for its weights, stepped, and carried into checkpoints and back.
//!
//! For loops that are not [`Trainer::fit`](crate::Trainer::fit): what times single steps must take the step that `fit` takes.

use crate::{Error, Result};
use taper_checkpoint::OptimizerState;
use taper_nn::{Model, Parameter};
use taper_optim::{Optimizer, Penalty, State, Weight};
use taper_tensor::Tensor;

/// Zeros for every slot of every trainable weight.
#[must_use]
pub fn fresh(optimizer: &dyn Optimizer, model: &Model) -> State {
    State::for_weights(optimizer, named_shapes(model))
}

/// One step over all weights: learning rate of the moment, penalties, moments, values, constraints.
///
/// `gradients` are in the order of [`Model::parameters`], `None` for weights that the optimizer leaves alone.
///
/// # Errors
/// A state or gradients that were made for another model.
pub fn step(
    optimizer: &dyn Optimizer,
    state: &mut State,
    model: &mut Model,
    learning_rate: f64,
    gradients: Vec<Option<Tensor>>,
) -> Result<()> {
    let moves: Vec<bool> = gradients.iter().map(Option::is_some).collect();
    let parameters = model.parameters_mut().iter_mut().zip(gradients);
    let weights = parameters.map(|(parameter, gradient)| {
        let regularizer = parameter.regularizer.unwrap_or_default();
        let coupled = gradient
            .as_ref()
            .and_then(|_| regularizer.coupled_gradient(&parameter.value));
        let gradient = match (gradient, coupled) {
            (Some(gradient), Some(coupled)) => Some(gradient.add(&coupled)?),
            (gradient, _) => gradient,
        };
        Ok(Weight {
            penalty: Penalty {
                l1: regularizer.l1,
                l2: regularizer.l2,
            },
            value: &mut parameter.value,
            gradient,
        })
    });
    let weights: Vec<Weight<'_>> = weights.collect::<Result<_>>()?;
    taper_optim::apply(optimizer, state, learning_rate, weights)?;
    constrain(state, model, &moves);
    Ok(())
}

/// Makes of every weight that has moved what it must be.
fn constrain(state: &mut State, model: &mut Model, moves: &[bool]) {
    let constrained = |parameter: &Parameter| parameter.constraint.is_some();
    if !model.parameters().iter().any(constrained) {
        return;
    }
    for (parameter, &moves) in model.parameters_mut().iter_mut().zip(moves) {
        if let (Some(constraint), true) = (&parameter.constraint, moves) {
            constraint.apply(&mut parameter.value);
            if constraint.may_enlarge() {
                state.measure_again();
            }
        }
    }
}

/// The Euclidean norm of each gradient, 0 where there is none. One after the other, so that it is the same everywhere.
pub(crate) fn norms(gradients: &[Option<Tensor>]) -> Vec<f64> {
    let norm = |gradient: &Option<Tensor>| {
        let gradient = gradient.as_ref()?.contiguous();
        let values = gradient.as_slice().unwrap_or_default().iter();
        Some(values.map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt())
    };
    gradients.iter().map(|g| norm(g).unwrap_or(0.0)).collect()
}

/// For a checkpoint: slots named `<weight>/<slot>`. The tensors are shared, not copied.
pub(crate) fn save(optimizer: &dyn Optimizer, state: &State, model: &Model) -> OptimizerState {
    OptimizerState {
        class_name: optimizer.class_name().to_owned(),
        config: optimizer.config().to_string(),
        iterations: state.iterations,
        slots: state.named(optimizer, named_shapes(model).map(|(name, _)| name)),
    }
}

/// From a checkpoint, for this optimizer and this model.
pub(crate) fn load(
    optimizer: &dyn Optimizer,
    saved: OptimizerState,
    model: &Model,
) -> Result<State> {
    if saved.class_name != optimizer.class_name() {
        let message = format!(
            "it was trained with {}, this trainer has {}",
            saved.class_name,
            optimizer.class_name()
        );
        return Err(Error::Resume(message));
    }
    State::from_named(
        optimizer,
        saved.iterations,
        named_shapes(model),
        saved.slots,
    )
    .map_err(|error| Error::Resume(format!("{error}; is it a checkpoint of this model?")))
}

/// Names and shapes of all weights, without the shape of those that the optimizer leaves alone.
fn named_shapes(model: &Model) -> impl Iterator<Item = (&str, Option<&[usize]>)> {
    let parameters = model.parameters().iter();
    parameters.map(|parameter| {
        (
            parameter.name.as_str(),
            parameter.trainable.then(|| parameter.value.shape()),
        )
    })
}
