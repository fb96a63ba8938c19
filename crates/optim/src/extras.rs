//! What Keras's optimizers do around their rule, as settings: weight decay, accumulated gradients, a moving average of the
//! weights. [`aside`](crate::aside) does it.

use crate::setting::{Checked, fraction, not_negative};

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
/// after each. See [`State::averages`](crate::State::averages).
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
