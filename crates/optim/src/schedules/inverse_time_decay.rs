//! The learning rate divided by a number that grows with the steps.

use super::{Row, Schedule, read};
use crate::setting::{not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `initial / (1 + rate · steps / decay_steps)`; with `staircase` the quotient `steps / decay_steps` is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InverseTimeDecay {
    /// The learning rate at first.
    pub initial_learning_rate: f64,
    /// After how many steps `decay_rate` has been added to the divisor once.
    pub decay_steps: f64,
    /// What is added to the divisor.
    pub decay_rate: f64,
    /// In steps instead of smoothly.
    #[serde(default)]
    pub staircase: bool,
}

impl InverseTimeDecay {
    /// From `initial_learning_rate`, the divisor growing by `decay_rate` every `decay_steps` steps, smoothly.
    pub fn new(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) -> Self {
        InverseTimeDecay {
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

impl Schedule for InverseTimeDecay {
    fn class_name(&self) -> &'static str {
        "InverseTimeDecay"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let passed = steps as f64 / self.decay_steps;
        let passed = if self.staircase {
            passed.floor()
        } else {
            passed
        };
        self.initial_learning_rate / (1.0 + self.decay_rate * passed)
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
        class_name: "InverseTimeDecay",
        about: "divided by a number that grows with the steps",
        file: file!(),
        from_config: read::<InverseTimeDecay>,
        sample: || InverseTimeDecay::new(0.1, 30.0, 0.7).staircase(true).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::{LearningRate, tests::close};

    #[test]
    fn values() {
        let decay = InverseTimeDecay::new(0.1, 10.0, 0.5);
        // Python: 0.1 / (1 + 0.5 * 7 / 10), 0.1 / (1 + 0.5 * floor(27 / 10))
        for (steps, smooth, stairs) in [
            (0, 0.1, 0.1),
            (7, 0.074_074_074_074_074_07, 0.1),
            (27, 0.042_553_191_489_361_7, 0.05),
        ] {
            close(decay.at(steps), smooth);
            close(decay.staircase(true).at(steps), stairs);
        }
    }

    #[test]
    fn nonsense_is_found() {
        let stands_still = InverseTimeDecay::new(0.1, 0.0, 0.5);
        assert!(LearningRate::from(stands_still).check().is_err());
    }
}
