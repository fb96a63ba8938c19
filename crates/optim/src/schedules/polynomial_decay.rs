//! The learning rate along a power of what is left of the way.

use super::{Row, Schedule, read};
use crate::math;
use crate::setting::{not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `(initial − end)·(1 − steps / decay_steps)^power + end`, and `end` behind `decay_steps`. With `cycle` the way is taken again
/// instead, each time with `decay_steps` more than the time before, from as high as it then is.
///
/// ```
/// use taper_optim::{LearningRate, schedules::PolynomialDecay};
/// let linear = LearningRate::from(PolynomialDecay::new(0.1, 100.0).end_learning_rate(0.0));
/// assert_eq!((linear.at(50), linear.at(1000)), (0.05, 0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolynomialDecay {
    /// The learning rate at first.
    pub initial_learning_rate: f64,
    /// How many steps the way takes.
    pub decay_steps: f64,
    /// The learning rate at the end.
    #[serde(default = "end_learning_rate")]
    pub end_learning_rate: f64,
    /// How bent the way is: straight for 1.
    #[serde(default = "straight")]
    pub power: f64,
    /// Whether it is taken again and again.
    #[serde(default)]
    pub cycle: bool,
}

fn end_learning_rate() -> f64 {
    0.0001
}

fn straight() -> f64 {
    1.0
}

impl PolynomialDecay {
    /// From `initial_learning_rate` straight down to 0.0001 within `decay_steps` steps.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        PolynomialDecay {
            initial_learning_rate,
            decay_steps,
            end_learning_rate: end_learning_rate(),
            power: straight(),
            cycle: false,
        }
    }

    /// The learning rate at the end, 0 or more (default: 0.0001).
    pub fn end_learning_rate(mut self, rate: f64) -> Self {
        self.end_learning_rate = rate;
        self
    }

    /// How bent the way is, 0 or more (default: 1, straight).
    pub fn power(mut self, power: f64) -> Self {
        self.power = power;
        self
    }

    /// Whether it is taken again and again (default: no).
    pub fn cycle(mut self, on: bool) -> Self {
        self.cycle = on;
        self
    }
}

impl Schedule for PolynomialDecay {
    fn class_name(&self) -> &'static str {
        "PolynomialDecay"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let ways = steps as f64 / self.decay_steps;
        let whole = if self.cycle {
            ways.ceil().max(1.0)
        } else {
            1.0
        };
        // At the end also where so many ways are no number any more.
        let done = (ways / whole).min(1.0);
        let left = math::pow(1.0 - done, self.power);
        (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate
    }

    fn fault(&self) -> Option<String> {
        not_negative("initial_learning_rate", self.initial_learning_rate)
            .and_then(|()| positive("decay_steps", self.decay_steps))
            .and_then(|()| not_negative("end_learning_rate", self.end_learning_rate))
            .and_then(|()| not_negative("power", self.power))
            .err()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "PolynomialDecay",
        about: "along a power of what is left of the way",
        file: file!(),
        from_config: read::<PolynomialDecay>,
        sample: || {
            PolynomialDecay::new(0.1, 30.0)
                .end_learning_rate(0.01)
                .power(0.5)
                .cycle(true)
                .into()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::tests::close;

    #[test]
    fn values() {
        let decay = PolynomialDecay::new(0.1, 10.0)
            .end_learning_rate(0.02)
            .power(2.0);
        close(decay.at(0), 0.1);
        close(decay.at(5), 0.04);
        close(decay.at(10), 0.02);
        close(decay.at(1000), 0.02);
        // The second way has 20 steps, 11 of which are done.
        close(decay.cycle(true).at(11), 0.08 * 0.45 * 0.45 + 0.02);
    }
}
