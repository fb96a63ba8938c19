//! No step writes what is not finite. What a step can reach is bounded before it is made; only a step that might overflow is
//! made on copies, looked at, and taken back if it did.
//!
//! The bounds need the largest number of every gradient (one pass a step) and of weights and moments. Those are measured
//! once and then reckoned on from step to step; they are measured again when the bound has grown large, which it does for
//! Adam with a penalty after some ten steps, for plain SGD hardly ever.

use crate::{Error, Optimizer, Result, State, Weight};
use taper_tensor::{Element, Tensor};

/// What no number of a weight exceeds in magnitude: of itself, of its gradient (that of the penalty included) and of its
/// slots, all together. See [`Optimizer::reach`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnitudes {
    /// The weight's largest.
    pub weight: f64,
    /// The gradient's largest.
    pub gradient: f64,
    /// The largest of all slots; 0 where there is none.
    pub slots: f64,
    /// The largest step that the slots alone make, in learning rates, for an optimizer that divides one by another: of
    /// [`Adam`](crate::Adam) |m| / (√v + ε). Infinite where nothing is known of it.
    pub quotient: f64,
}

impl Magnitudes {
    /// After a step, with room for what it rounds.
    pub(crate) fn next(self, weight: f64, slots: f64) -> Self {
        const ROOM: f64 = 1.0 + 1e-6;
        Magnitudes {
            weight: weight * ROOM,
            slots: slots * ROOM,
            ..self
        }
    }
}

/// What weights and moments are known not to exceed, one entry a weight. It is forgotten when a step is not proved.
pub(crate) type Known = Vec<Magnitudes>;

/// Bounds up to here are far enough from the largest f32 (3.4e38) that rounding does not matter.
pub(crate) const FAR: f64 = 1e30;

/// One step over all weights; all of them, their moments and the number of steps are as they were if it cannot be made.
pub(crate) fn step<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    learning_rate: f64,
    weights: Vec<Weight<'_, E>>,
) -> Result<()> {
    let gradients = gradients(optimizer, &weights)?;
    let (iteration, kept) = (state.iterations + 1, state.known.take());
    let reached = |known: Known| {
        let pairs = known.into_iter().zip(&gradients).zip(&weights);
        let reach = |((known, &gradient), weight): ((Magnitudes, &f64), &Weight<'_, E>)| {
            if weight.gradient.is_none() {
                return Some(known);
            }
            let penalty = weight.penalty.l1 + 2.0 * weight.penalty.l2 * known.weight;
            let now = Magnitudes {
                gradient: gradient + penalty,
                ..known
            };
            let next = optimizer.reach(iteration, learning_rate, now)?;
            let largest = now.gradient.max(next.weight).max(next.slots);
            // A NaN among them is no bound, whatever `max` makes of it.
            let all = now.gradient + next.weight + next.slots;
            let holds = learning_rate <= FAR && largest <= FAR && all <= 3.0 * FAR;
            holds.then_some(next)
        };
        pairs.map(reach).collect::<Option<Known>>()
    };
    let fits = |known: &Known| known.len() == weights.len();
    let proved = kept
        .filter(fits)
        .and_then(reached)
        .or_else(|| reached(measure(state, &weights)));
    match proved {
        Some(known) => {
            state.known = Some(known);
            write(optimizer, state, learning_rate, weights);
            Ok(())
        }
        None => on_copies(optimizer, state, learning_rate, weights),
    }
}

/// The largest number of each gradient at most; an error names the first that is not finite.
fn gradients<E: Element>(
    optimizer: &dyn Optimizer<E>,
    weights: &[Weight<'_, E>],
) -> Result<Vec<f64>> {
    let gradients = weights.iter().map(|weight| weight.gradient.as_ref());
    let found = Tensor::magnitudes(gradients);
    match found.iter().position(|largest| !largest.is_finite()) {
        None => Ok(found),
        Some(weight) => Err(Error::NotFinite {
            optimizer: optimizer.class_name(),
            weight,
            what: "gradient",
        }),
    }
}

/// What weights and moments come to now.
fn measure<E: Element>(state: &State<E>, weights: &[Weight<'_, E>]) -> Known {
    let moves = |weight: &Weight<'_, E>| weight.gradient.is_some();
    let pairs = || weights.iter().zip(&state.slots);
    let tensors = pairs().flat_map(|(weight, slots)| {
        let all = std::iter::once(&*weight.value).chain(slots);
        all.map(move |tensor| moves(weight).then_some(tensor))
    });
    let mut found = Tensor::magnitudes(tensors).into_iter();
    let mut next = || found.next().unwrap_or(f64::NAN);
    let each = |(_, slots): (&Weight<'_, E>, &Vec<Tensor<E>>)| Magnitudes {
        weight: next(),
        gradient: 0.0,
        // Written so that a NaN is not lost.
        slots: slots.iter().map(|_| next()).sum(),
        quotient: f64::INFINITY,
    };
    pairs().map(each).collect()
}

fn finite<E: Element>(tensor: &Tensor<E>) -> bool {
    tensor.magnitude().is_finite()
}

/// The step itself.
fn write<'a, E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    learning_rate: f64,
    weights: impl IntoIterator<Item = Weight<'a, E>>,
) {
    state.iterations += 1;
    for (weight, slots) in weights.into_iter().zip(&mut state.slots) {
        let Some(gradient) = weight.gradient else {
            continue;
        };
        optimizer.update_tensor(
            state.iterations,
            learning_rate,
            weight.value,
            &gradient,
            slots,
            weight.penalty,
        );
    }
}

/// The same with copies of what was, which are put back if a number that was finite no longer is.
fn on_copies<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    learning_rate: f64,
    mut weights: Vec<Weight<'_, E>>,
) -> Result<()> {
    // Shared: the step makes the copies when it writes.
    let before: Vec<Tensor<E>> = weights.iter().map(|weight| weight.value.clone()).collect();
    let slots = state.slots.clone();
    let moves: Vec<bool> = weights
        .iter()
        .map(|weight| weight.gradient.is_some())
        .collect();
    let again = weights.iter_mut().map(|weight| Weight {
        value: &mut *weight.value,
        gradient: weight.gradient.take(),
        penalty: weight.penalty,
    });
    write(optimizer, state, learning_rate, again.collect::<Vec<_>>());
    let Some((weight, what)) = broken(optimizer, state, &weights, &moves) else {
        return Ok(());
    };
    for (weight, value) in weights.into_iter().zip(before) {
        *weight.value = value;
    }
    state.slots = slots;
    state.iterations -= 1;
    Err(Error::NotFinite {
        optimizer: optimizer.class_name(),
        weight,
        what,
    })
}

/// The first weight that has moved and of which a number is not finite, or of whose moments one is not, and which.
fn broken<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &State<E>,
    weights: &[Weight<'_, E>],
    moves: &[bool],
) -> Option<(usize, &'static str)> {
    let mut moved = (0..weights.len()).filter(|&i| moves[i]);
    moved.find_map(|i| {
        if !finite(weights[i].value) {
            return Some((i, "weight"));
        }
        let mut slots = state.slots[i].iter().zip(optimizer.slots());
        slots.find_map(|(slot, name)| (!finite(slot)).then_some((i, *name)))
    })
}
