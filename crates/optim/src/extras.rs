//! What Keras's optimizers do around their rule, whichever it is: weight decay, accumulated gradients, a moving average of the
//! weights.

use crate::setting::{Checked, fraction, not_negative};
use crate::{Error, Penalty};
use crate::{Optimizer, Result, State, Weight, clipping::add_penalty};
use taper_tensor::kernels::update::{Numbers, Rule, Slot};
use taper_tensor::{Element, Tensor};

/// What is done around the rule of an optimizer, under Keras's names. Nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Extras<'a> {
    /// Before each step `w −= lr·weight_decay·w` (Loshchilov and Hutter 2019).
    pub weight_decay: Option<f64>,
    /// Weights in whose name one of these occurs do not decay: `bias` stands for every bias.
    pub exclude_from_weight_decay: &'a [String],
    /// The moving average of the weights.
    pub ema: Option<Ema>,
    /// So many calls of [`apply`](crate::apply) make one step along the mean of their gradients.
    pub gradient_accumulation_steps: Option<u64>,
}

/// A moving average of the weights, which starts as the weights after the first step: `a = momentum·a + (1 − momentum)·w`
/// after each. See [`State::averages`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ema {
    /// How much of the average stays, in [0, 1].
    pub momentum: f64,
    /// Every so many steps the weights become their average; never if absent.
    pub overwrite_frequency: Option<u64>,
}

impl Ema {
    /// An average of which this part stays at a step; the weights never become it on their own.
    pub fn new(momentum: f64) -> Self {
        Ema {
            momentum,
            overwrite_frequency: None,
        }
    }
}

impl Extras<'_> {
    /// What a weight of this name loses at a step, per learning rate.
    pub(crate) fn decay_of(&self, name: &str) -> f64 {
        let mut excluded = self.exclude_from_weight_decay.iter();
        match excluded.any(|part| name.contains(part.as_str())) {
            true => 0.0,
            false => self.weight_decay.unwrap_or(0.0),
        }
    }

    pub(crate) fn check(&self) -> Checked {
        not_negative("weight_decay", self.weight_decay.unwrap_or(0.0))?;
        if self.exclude_from_weight_decay.iter().any(String::is_empty) {
            let fault = "exclude_from_weight_decay has an empty entry, which is part of every name";
            return Err(fault.to_owned());
        }
        if let Some(ema) = self.ema {
            fraction("ema_momentum", ema.momentum)?;
            at_least("ema_overwrite_frequency", ema.overwrite_frequency, 1)?;
        }
        at_least(
            "gradient_accumulation_steps",
            self.gradient_accumulation_steps,
            2,
        )
    }
}

fn at_least(name: &str, value: Option<u64>, least: u64) -> Checked {
    match value {
        Some(value) if value < least => {
            Err(format!("{name} is {value}, it must be at least {least}"))
        }
        _ => Ok(()),
    }
}

/// Gathers gradients, those of penalties included. Whether this call makes a step: then each gradient is the mean of what was
/// gathered, and no penalty is left to add. The state is changed only where it does not.
///
/// # Errors
/// A gradient, or the sum of those gathered, that is not finite.
pub(crate) fn gather<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    calls: u64,
    weights: &mut [Weight<'_, E>],
) -> Result<bool> {
    let fail = |error: taper_tensor::Error| Error::state(optimizer.class_name(), error.to_string());
    let steps = (state.iterations + 1).is_multiple_of(calls);
    let mut sums = Vec::with_capacity(weights.len());
    for (weight, gathered) in weights.iter().zip(&state.gathered) {
        let sum = match (&weight.gradient, gathered) {
            (Some(gradient), Some(gathered)) => {
                let whole = add_penalty(gradient, weight.value, weight.penalty).map_err(fail)?;
                Some(whole.add(gathered).map_err(fail)?)
            }
            _ => None,
        };
        sums.push(sum);
    }
    let magnitudes = Tensor::magnitudes(sums.iter().map(Option::as_ref));
    if let Some(weight) = magnitudes.iter().position(|largest| !largest.is_finite()) {
        return Err(Error::NotFinite {
            optimizer: optimizer.class_name(),
            weight,
            what: "gradient",
        });
    }
    let count = E::from_f64(calls as f64);
    for ((weight, gathered), sum) in weights.iter_mut().zip(&mut state.gathered).zip(sums) {
        match sum {
            Some(sum) if steps => {
                weight.gradient = Some(sum.map(|g| g / count));
                weight.penalty = Penalty::default();
            }
            Some(sum) => *gathered = Some(sum),
            None => {}
        }
    }
    Ok(steps)
}

/// What was gathered has been used.
pub(crate) fn forget<E: Element>(state: &mut State<E>) {
    for gathered in state.gathered.iter_mut().flatten() {
        gathered.as_mut_slice().fill(E::zero());
    }
}

/// Moves the averages towards the weights after step `iteration` (from 1), which may become them.
pub(crate) fn average<E: Element>(
    ema: Ema,
    state: &mut State<E>,
    iteration: u64,
    weights: &mut [Weight<'_, E>],
) {
    let momentum = if iteration > 1 { ema.momentum } else { 0.0 };
    let overwrites = ema
        .overwrite_frequency
        .is_some_and(|steps| iteration.is_multiple_of(steps));
    for (weight, average) in weights.iter_mut().zip(&mut state.averages) {
        let Some(average) = average else {
            continue;
        };
        let value = weight.value.contiguous();
        let rule = Towards { momentum };
        let values = value.as_slice().unwrap_or_default();
        rule.update(average.as_mut_slice(), values, &mut [], Penalty::default());
        drop(value);
        if overwrites {
            let average = average.as_slice().unwrap_or_default();
            weight.value.as_mut_slice().copy_from_slice(average);
        }
    }
    if overwrites {
        state.known = None;
    }
}

/// The average as what moves, the weight as its gradient.
#[derive(Clone, Copy, Debug)]
struct Towards {
    momentum: f64,
}

impl Rule<0> for Towards {
    #[inline(always)]
    fn step<V: Numbers>(self, average: V, w: V, []: &mut [Slot<V>; 0]) -> V {
        let next = average * self.momentum + w * (1.0 - self.momentum);
        // Between both whatever is rounded: of two finite numbers the mean is finite.
        let smaller = |a: V, b: V| a.all(0.0) - (a.all(0.0) - a).larger(a.all(0.0) - b);
        smaller(next.larger(smaller(average, w)), average.larger(w))
    }
}
