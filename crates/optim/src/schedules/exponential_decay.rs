//! The learning rate times a factor every so many steps.

use super::{Row, Schedule, read};
use crate::math;
use crate::setting::{not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `initial · rate^(steps / decay_steps)`; with `staircase` the exponent is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialDecay {
    /// The learning rate at first.
    pub initial_learning_rate: f64,
    /// After how many steps it has been multiplied once.
    pub decay_steps: f64,
    /// What it is multiplied by.
    pub decay_rate: f64,
    /// In steps instead of smoothly.
    #[serde(default)]
    pub staircase: bool,
}

impl ExponentialDecay {
    /// From `initial_learning_rate`, times `decay_rate` every `decay_steps` steps, smoothly.
    pub fn new(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) -> Self {
        ExponentialDecay {
            initial_learning_rate,
            decay_steps,
            decay_rate,
            staircase: false,
        }
    }

    /// In steps instead of smoothly (default: no).
    pub fn staircase(mut self, on: bool) -> Self {
        self.staircase = on;
        self
    }
}

impl Schedule for ExponentialDecay {
    fn class_name(&self) -> &'static str {
        "ExponentialDecay"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let exponent = steps as f64 / self.decay_steps;
        let exponent = if self.staircase {
            exponent.floor()
        } else {
            exponent
        };
        self.initial_learning_rate * math::pow(self.decay_rate, exponent)
    }

    fn fault(&self) -> Option<String> {
        not_negative("initial_learning_rate", self.initial_learning_rate)
            .and_then(|()| positive("decay_steps", self.decay_steps))
            .and_then(|()| not_negative("decay_rate", self.decay_rate))
            .err()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "ExponentialDecay",
        about: "multiplied by a factor every so many steps",
        file: file!(),
        from_config: read::<ExponentialDecay>,
        sample: || ExponentialDecay::new(0.1, 30.0, 0.7).staircase(true).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::tests::close;

    #[test]
    fn values() {
        let decay = ExponentialDecay::new(0.1, 10.0, 0.5);
        close(decay.at(0), 0.1);
        close(decay.at(5), 0.1 * 0.5f64.sqrt());
        close(decay.at(20), 0.025);
        close(decay.staircase(true).at(19), 0.05);
    }
}
