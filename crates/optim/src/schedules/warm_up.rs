//! A way up in front of any other learning rate.

use super::{LearningRate, Row, Schedule, read};
use crate::setting::{not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Linearly from `initial_learning_rate` to where `schedule` begins within `warmup_steps` steps, and then `schedule` from its
/// beginning. In front of a [`CosineDecay`](super::CosineDecay) it is Keras's `warmup_steps`.
///
/// ```
/// use taper_optim::{LearningRate, schedules::{PolynomialDecay, WarmUp}};
/// let rate = LearningRate::from(WarmUp::new(5.0, PolynomialDecay::new(0.1, 100.0)));
/// assert_eq!((rate.at(0), rate.at(5)), (0.0, 0.1));
/// let constant = LearningRate::from(WarmUp::new(5.0, 0.1));
/// assert_eq!(constant.at(100), 0.1);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// How many steps the way up takes.
    pub warmup_steps: f64,
    /// The learning rate at first.
    #[serde(default)]
    pub initial_learning_rate: f64,
    /// What comes then: a number or a schedule.
    pub schedule: LearningRate,
}

impl WarmUp {
    /// From 0 to where `schedule` begins within `warmup_steps` steps.
    pub fn new(warmup_steps: f64, schedule: impl Into<LearningRate>) -> Self {
        WarmUp {
            warmup_steps,
            initial_learning_rate: 0.0,
            schedule: schedule.into(),
        }
    }

    /// The learning rate at first (default: 0).
    pub fn initial_learning_rate(mut self, rate: f64) -> Self {
        self.initial_learning_rate = rate;
        self
    }
}

impl Schedule for WarmUp {
    fn class_name(&self) -> &'static str {
        "WarmUp"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let done = steps as f64 / self.warmup_steps;
        if done < 1.0 {
            let first = self.initial_learning_rate;
            return first + (self.schedule.at(0) - first) * done;
        }
        let rest = steps as f64 - self.warmup_steps;
        // Of a broken number of steps the schedule sees what is whole.
        self.schedule.at(rest as u64)
    }

    fn fault(&self) -> Option<String> {
        positive("warmup_steps", self.warmup_steps)
            .and_then(|()| not_negative("initial_learning_rate", self.initial_learning_rate))
            .and_then(|()| {
                let inner = self.schedule.check();
                inner.map_err(|fault| format!("schedule: {fault}"))
            })
            .err()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "WarmUp",
        about: "linearly up to where any other begins",
        file: file!(),
        from_config: read::<WarmUp>,
        sample: || {
            let then = super::CosineDecay::new(0.1, 100.0);
            WarmUp::new(7.0, then).initial_learning_rate(0.01).into()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::{CosineDecay, ExponentialDecay, tests::close};

    #[test]
    fn in_front_of_a_cosine_it_is_that_of_keras() {
        let all = CosineDecay::new(0.01, 100.0).warmup(0.3, 7.0);
        let parts = WarmUp::new(7.0, CosineDecay::new(0.3, 100.0)).initial_learning_rate(0.01);
        for steps in 0..150 {
            close(all.at(steps), parts.at(steps));
        }
    }

    #[test]
    fn what_comes_then_is_looked_at() {
        let odd = WarmUp::new(3.0, ExponentialDecay::new(0.1, -1.0, 0.5));
        let fault = odd.fault().unwrap();
        assert!(fault.contains("decay_steps"), "{fault}");
        let text = json!(LearningRate::from(WarmUp::new(
            3.0,
            ExponentialDecay::new(0.1, 1.0, 0.5)
        )));
        let again: LearningRate = serde_json::from_value(text).unwrap();
        close(again.at(4), 0.05);
        close(WarmUp::new(3.0, 0.3).at(1), 0.1);
    }
}
