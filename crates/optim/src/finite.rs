//! No step writes what is not finite. What a step can reach is bounded before it is made; only a step that might overflow is
//! made on copies, looked at, and taken back if it did.
//!
//! The bounds need the largest number of every gradient, which whoever made it may have noted, and of weights and moments.
//! Those are measured once and then reckoned on from step to step; they are measured again only when the bound has grown
//! large, which it hardly ever does.

use crate::magnitudes::{FAR, Known};
use crate::{Error, Magnitudes, Optimizer, Result, State, Weight};
use taper_tensor::{Element, Tensor};

/// One step over all weights; all of them, their moments and the number of steps are as they were if it cannot be made.
/// It is step number `iteration`, from 1.
pub(crate) fn step<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    iteration: u64,
    learning_rate: f64,
    weights: &mut [Weight<'_, E>],
) -> Result<()> {
    let gradients = gradients(optimizer, weights)?;
    let kept = state.known.take();
    let decay = |(index, weight): (usize, &Weight<'_, E>)| {
        learning_rate * optimizer.weight_decay_of(state.name(index), weight.value.shape())
    };
    let decays: Vec<f64> = weights.iter().enumerate().map(decay).collect();
    let turn = Turn {
        iteration,
        learning_rate,
        decays: &decays,
    };
    let reached = |known: Known| {
        let pairs = known
            .into_iter()
            .zip(&gradients)
            .zip(&*weights)
            .zip(&decays);
        let reach = |(((known, &gradient), weight), &decay): (
            ((Magnitudes, &f64), &Weight<'_, E>),
            &f64,
        )| {
            if weight.gradient.is_none() {
                return Some(known);
            }
            let penalty = weight.penalty.l1 + 2.0 * weight.penalty.l2 * known.weight;
            let now = Magnitudes {
                gradient: gradient + penalty,
                weight: known.weight * (1.0 - decay).abs().max(1.0),
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
        .or_else(|| reached(measure(state, weights)));
    match proved {
        Some(known) => {
            state.known = Some(known);
            write(optimizer, state, turn, weights);
            Ok(())
        }
        None => on_copies(optimizer, state, turn, weights),
    }
}

/// What a step is told.
#[derive(Clone, Copy)]
struct Turn<'a> {
    iteration: u64,
    learning_rate: f64,
    /// What fraction is taken off each weight.
    decays: &'a [f64],
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

/// The step itself. Gradients are let go one by one.
fn write<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    turn: Turn<'_>,
    weights: &mut [Weight<'_, E>],
) {
    state.iterations += 1;
    let each = weights.iter_mut().zip(&mut state.slots).zip(turn.decays);
    for ((weight, slots), &decay) in each {
        let Some(gradient) = weight.gradient.take() else {
            continue;
        };
        optimizer.update_decayed(
            turn.iteration,
            [turn.learning_rate, decay],
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
    turn: Turn<'_>,
    weights: &mut [Weight<'_, E>],
) -> Result<()> {
    // Shared: the step makes the copies when it writes.
    let before: Vec<Tensor<E>> = weights.iter().map(|weight| weight.value.clone()).collect();
    let slots = state.slots.clone();
    let moves: Vec<bool> = weights
        .iter()
        .map(|weight| weight.gradient.is_some())
        .collect();
    write(optimizer, state, turn, weights);
    let Some((weight, what)) = broken(optimizer, state, weights, &moves) else {
        return Ok(());
    };
    for (weight, value) in weights.iter_mut().zip(before) {
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
        if !weights[i].value.is_finite() {
            return Some((i, "weight"));
        }
        let mut slots = state.slots[i].iter().zip(optimizer.slots());
        slots.find_map(|(slot, name)| (!slot.is_finite()).then_some((i, *name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, AdamW, Penalty, RMSprop, SGD, apply, optimizers};

    /// What is reckoned holds for the numbers themselves, whatever the gradients, and stays so small that nothing has to be
    /// measured twice.
    #[test]
    fn bounds_hold_and_stay_small() {
        let mut cases: Vec<(Box<dyn Optimizer>, f64)> = vec![
            (Box::new(Adam::default()), 7.0),
            (Box::new(Adam::default().beta_1(0.0).beta_2(0.5)), 7.0),
            (Box::new(Adam::default().beta_2(0.0).epsilon(1e-3)), 7.0),
            (Box::new(Adam::default().epsilon(1e-20)), 7.0),
            (Box::new(Adam::default().weight_decay(0.1)), 7.0),
            (Box::new(AdamW::default()), 7.0),
            (Box::new(RMSprop::default()), 7.0),
            (Box::new(RMSprop::default().momentum(0.9)), 1e13),
            (Box::new(SGD::default().momentum(0.9).nesterov(true)), 1e7),
        ];
        let known = cases.len();
        for row in optimizers::all() {
            // Of a norm nothing is known but how many numbers there may be, of steps that add up not more than of squares.
            let loose = ["Lamb", "RMSprop"].contains(&row.class_name);
            let most = if loose { FAR } else { 1e13 };
            cases.extend((row.samples)().into_iter().map(|sample| (sample, most)));
        }
        let mut proved = 0;
        for (case, (optimizer, most)) in cases.iter().enumerate() {
            let mut value = Tensor::from_vec([64], vec![0.5; 64]).unwrap();
            let mut state = State::new(&**optimizer, [Some(value.shape())]);
            for step in 0..200 {
                // Some are large, some tiny, some 0; each has its own order.
                let of = |i: usize| match (i * 7 + step * 13) % (5 + i) {
                    0 => 300.0 * (i as f32 - 31.0),
                    1 => 1e-21,
                    2 => -1e-9,
                    3 => 0.0,
                    _ => ((i + step) as f32).sin(),
                };
                let gradient = Tensor::from_vec([64], (0..64).map(of).collect()).unwrap();
                let weight = Weight {
                    value: &mut value,
                    gradient: Some(gradient),
                    penalty: Penalty { l1: 1e-5, l2: 1e-3 },
                };
                apply(&**optimizer, &mut state, 1e-3, [weight]).unwrap();
                let Some(known) = state.known.as_ref().map(|known| known[0]) else {
                    break; // its steps are made on copies
                };
                let slots = &state.slots[0];
                let all = slots.iter().map(Tensor::magnitude).fold(0.0, f64::max);
                assert!(value.magnitude() <= known.weight, "{optimizer:?} {step}");
                assert!(all <= known.slots, "{optimizer:?} {step}");
                let kin = ["Adam", "AdamW", "Nadam", "Lamb"].contains(&optimizer.class_name());
                if kin && optimizer.slots() == ["momentum", "velocity"] {
                    let epsilon = optimizer.config()["epsilon"].as_f64().unwrap();
                    for (m, v) in slots[0].to_vec().into_iter().zip(slots[1].to_vec()) {
                        let quotient = f64::from(m).abs() / (f64::from(v).sqrt() + epsilon);
                        assert!(quotient <= known.quotient, "{optimizer:?} {step}");
                    }
                }
            }
            let Some(known) = state.known.map(|known| known[0]) else {
                let copied = ["Adafactor", "Ftrl", "Muon", "RMSprop"];
                assert!(case >= known && copied.contains(&optimizer.class_name()));
                continue;
            };
            proved += 1;
            let sound =
                optimizer.config()["beta_2"] != 0.0 && optimizer.config()["epsilon"] != 1e-20;
            assert!(known.weight <= *most || !sound, "{optimizer:?}: {known:?}");
        }
        assert!(proved > known + 10, "{proved} of {}", cases.len());
    }

    /// A number that somebody wrote into a moment by hand is seen once it was said.
    #[test]
    fn what_was_set_by_hand_is_measured_again() {
        let adam = Adam::default();
        let mut value = Tensor::<f32>::ones([3]);
        let mut state = State::new(&adam, [Some(value.shape())]);
        let mut step = |state: &mut State| {
            let weight = Weight {
                value: &mut value,
                gradient: Some(Tensor::ones([3])),
                penalty: Penalty::default(),
            };
            apply(&adam, state, 1e-3, [weight])
        };
        step(&mut state).unwrap();
        state.slots[0][0] = Tensor::full([3], f32::INFINITY);
        state.measure_again();
        let error = step(&mut state).unwrap_err();
        assert!(
            matches!(error, Error::NotFinite { weight: 0, .. }),
            "{error}"
        );
        assert_eq!(state.iterations, 1);
    }
}
