//! A step over all weights of a model: what it is given is checked, gradients are clipped.

use crate::clipping::add_penalty;
use crate::{Error, Optimizer, Penalty, Result, State, Weight};
use crate::{aside, finite, setting::not_negative};
use taper_tensor::{Element, Tensor};

/// One step over all weights, which are in the order that `state` was made with. `learning_rate` is the one in force,
/// usually `optimizer.learning_rate_at(state.iterations)`.
///
/// Gradients are clipped if the optimizer says so; each weight is then updated in one pass that adds the gradient of
/// its penalty, behind the decay of weights. If several batches make a step ([`Extras`](crate::Extras)), the others only
/// gather their gradients. To update in place, nothing else may hold the weights' storage.
///
/// ```
/// use taper_optim::{Adam, Optimizer, Penalty, State, Weight, apply};
/// use taper_tensor::Tensor;
/// let adam: &dyn Optimizer = &Adam::default();
/// let mut w = Tensor::<f32>::ones([3]);
/// let mut state = State::new(adam, [Some(w.shape())]);
/// for _ in 0..10 {
///     let gradient = Some(w.clone()); // of ½·Σw²
///     let rate = adam.learning_rate_at(state.iterations);
///     apply(adam, &mut state, rate, [Weight { value: &mut w, gradient, penalty: Penalty::default() }])?;
/// }
/// assert!(w.to_vec().iter().all(|&w| w < 0.995));
/// # Ok::<(), taper_optim::Error>(())
/// ```
///
/// # Errors
/// Gradients or moments that do not fit their weights; a setting that is out of its range ([`Optimizer::check`]), a
/// learning rate or penalty that is negative or not finite; a gradient that is not finite after clipping, or a step that
/// would leave a weight or moment that is not ([`Error::NotFinite`]). Then nothing has changed: weights, moments and the
/// number of steps are what they were, to the bit.
pub fn apply<'a, E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    learning_rate: f64,
    weights: impl IntoIterator<Item = Weight<'a, E>>,
) -> Result<()> {
    let mut weights: Vec<Weight<'a, E>> = weights.into_iter().collect();
    check_settings(optimizer, state.iterations, learning_rate, &weights)?;
    check(optimizer, state, &weights)?;
    let extras = optimizer.extras();
    let calls = extras.gradient_accumulation_steps.unwrap_or(1).max(1);
    // Batches that make one step have one number.
    let iteration = state.iterations / calls + 1;
    if calls > 1 && !aside::gather(optimizer, state, calls, &mut weights)? {
        state.iterations += 1;
    } else {
        clip(optimizer, &mut weights)?;
        finite::step(optimizer, state, iteration, learning_rate, &mut weights)?;
        aside::forget(state);
    }
    if let Some(ema) = extras.ema {
        aside::average(ema, state, iteration, &mut weights);
    }
    Ok(())
}

/// Clips the gradients, those of the penalties included, if the optimizer says so.
fn clip<E: Element>(optimizer: &dyn Optimizer<E>, weights: &mut [Weight<'_, E>]) -> Result<()> {
    let Some(clipping) = optimizer.clipping() else {
        return Ok(());
    };
    for weight in &mut *weights {
        if let Some(gradient) = &weight.gradient {
            let total = add_penalty(gradient, weight.value, weight.penalty)
                .map_err(|error| Error::state(optimizer.class_name(), error.to_string()))?;
            weight.gradient = Some(total);
            weight.penalty = Penalty::default();
        }
    }
    let gradients = weights.iter_mut().filter_map(|w| w.gradient.as_mut());
    clipping.apply(gradients);
    Ok(())
}

/// Whoever makes a step, and whatever was set and how: no number that cannot be reaches a weight.
fn check_settings<E: Element>(
    optimizer: &dyn Optimizer<E>,
    steps: u64,
    learning_rate: f64,
    weights: &[Weight<'_, E>],
) -> Result<()> {
    optimizer.check()?;
    let rate = not_negative("learning_rate", learning_rate);
    rate.map_err(|fault| {
        Error::setting(
            optimizer.class_name(),
            format!("after {steps} steps {fault}"),
        )
    })?;
    for Weight { penalty, .. } in weights {
        let checked = not_negative("l1", penalty.l1).and(not_negative("l2", penalty.l2));
        checked
            .map_err(|fault| Error::setting(optimizer.class_name(), format!("penalty: {fault}")))?;
    }
    Ok(())
}

fn check<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &State<E>,
    weights: &[Weight<'_, E>],
) -> Result<()> {
    let fail = |message: String| Err(Error::state(optimizer.class_name(), message));
    if weights.len() != state.slots.len() {
        return fail(format!(
            "{} weights, but moments of {}",
            weights.len(),
            state.slots.len()
        ));
    }
    if optimizer.needs_names() && state.names.is_empty() {
        return fail("weights are told apart by name, so its state must be made with names: State::for_weights".into());
    }
    let extras = optimizer.extras();
    for (index, (weight, slots)) in weights.iter().zip(&state.slots).enumerate() {
        let (Some(gradient), shape) = (&weight.gradient, weight.value.shape()) else {
            continue;
        };
        if gradient.shape() != shape {
            return fail(format!(
                "weight {index} is {shape:?}, its gradient {:?}",
                gradient.shape()
            ));
        }
        let mut shapes = slots.iter().enumerate();
        let fits = slots.len() == optimizer.slots().len()
            && shapes.all(|(i, slot)| {
                slot.shape() == optimizer.slot_shape_of(i, state.name(index), shape)
            });
        if !fits {
            let found: Vec<_> = slots.iter().map(Tensor::shape).collect();
            return fail(format!(
                "weight {index} is {shape:?}, its moments {found:?}: wanted are {:?}",
                optimizer.slots()
            ));
        }
        for (name, wanted, kept) in [
            (
                "gradient accumulator",
                extras.gradient_accumulation_steps.is_some(),
                &state.gathered,
            ),
            ("average", extras.ema.is_some(), &state.averages),
        ] {
            let found = kept.get(index).and_then(Option::as_ref).map(Tensor::shape);
            if wanted && found != Some(shape) {
                return fail(format!(
                    "weight {index} is {shape:?}, its {name} {found:?}: was the state made for this optimizer?"
                ));
            }
        }
    }
    Ok(())
}
