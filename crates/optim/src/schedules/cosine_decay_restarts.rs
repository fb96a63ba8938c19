//! The learning rate down along half a cosine, again and again (Loshchilov and Hutter 2017).

use super::{Row, Schedule, read};
use crate::math;
use crate::setting::{Checked, not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// From the initial learning rate along half a cosine down to `alpha` times of it, and then again: each way is `t_mul` times as
/// long as the one before, and begins `m_mul` times as high.
///
/// ```
/// use taper_optim::{LearningRate, schedules::CosineDecayRestarts};
/// let rate = LearningRate::from(CosineDecayRestarts::new(0.1, 10.0));
/// assert_eq!((rate.at(0), rate.at(10), rate.at(30)), (0.1, 0.1, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineDecayRestarts {
    /// The learning rate at first.
    pub initial_learning_rate: f64,
    /// How many steps the first way down takes.
    pub first_decay_steps: f64,
    /// How much longer each way is than the one before.
    #[serde(default = "twice")]
    pub t_mul: f64,
    /// How much higher each way begins than the one before.
    #[serde(default = "once")]
    pub m_mul: f64,
    /// What is left at the end of a way, as a fraction of the initial learning rate.
    #[serde(default)]
    pub alpha: f64,
}

fn twice() -> f64 {
    2.0
}

fn once() -> f64 {
    1.0
}

impl CosineDecayRestarts {
    /// From `initial_learning_rate` down to 0 within `first_decay_steps` steps, and again within twice as many, and so on.
    pub fn new(initial_learning_rate: f64, first_decay_steps: f64) -> Self {
        CosineDecayRestarts {
            initial_learning_rate,
            first_decay_steps,
            t_mul: twice(),
            m_mul: once(),
            alpha: 0.0,
        }
    }

    /// How much longer each way is than the one before, at least 1 (default: 2).
    pub fn t_mul(mut self, factor: f64) -> Self {
        self.t_mul = factor;
        self
    }

    /// How much higher each way begins than the one before, 0 or more (default: 1).
    pub fn m_mul(mut self, factor: f64) -> Self {
        self.m_mul = factor;
        self
    }

    /// What is left at the end of a way, as a fraction (default: 0).
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// How many ways are done, and what part of the one after them, from how many first ways have passed.
    fn place(&self, passed: f64) -> (f64, f64) {
        let growth = self.t_mul - 1.0;
        if growth == 0.0 {
            return (passed.floor(), passed.fract());
        }
        // 1 + t + t² + …
        let length = |ways: f64| (math::pow(self.t_mul, ways) - 1.0) / growth;
        let grown = 1.0 + passed * growth;
        let log = match grown.is_finite() {
            true => math::ln(grown),
            false => math::ln(passed) + math::ln(growth),
        };
        let mut ways = (log / math::ln(self.t_mul)).floor().max(0.0);
        // The quotient is rounded, and where a way begins a little decides.
        if length(ways + 1.0) <= passed {
            ways += 1.0;
        } else if length(ways) > passed && ways > 0.0 {
            ways -= 1.0;
        }
        let done = (passed - length(ways)) / math::pow(self.t_mul, ways);
        // At the end where lengths are no numbers any more.
        (ways, if done >= 0.0 { done.min(1.0) } else { 1.0 })
    }
}

impl Schedule for CosineDecayRestarts {
    fn class_name(&self) -> &'static str {
        "CosineDecayRestarts"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let passed = steps as f64 / self.first_decay_steps;
        if !passed.is_finite() {
            return self.initial_learning_rate * self.alpha;
        }
        let (ways, done) = self.place(passed);
        let cosine = 0.5 * math::pow(self.m_mul, ways) * (1.0 + math::cos_pi(done));
        self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)
    }

    fn fault(&self) -> Option<String> {
        not_negative("initial_learning_rate", self.initial_learning_rate)
            .and_then(|()| positive("first_decay_steps", self.first_decay_steps))
            .and_then(|()| at_least_one("t_mul", self.t_mul))
            .and_then(|()| not_negative("m_mul", self.m_mul))
            .and_then(|()| not_negative("alpha", self.alpha))
            .err()
    }
}

fn at_least_one(name: &str, value: f64) -> Checked {
    if value >= 1.0 && value.is_finite() {
        return Ok(());
    }
    Err(format!(
        "{name} is {value:?}, it must be finite and at least 1"
    ))
}

pub(super) fn row() -> Row {
    Row {
        class_name: "CosineDecayRestarts",
        about: "down along half a cosine, again and again",
        file: file!(),
        from_config: read::<CosineDecayRestarts>,
        sample: || {
            CosineDecayRestarts::new(0.1, 30.0)
                .t_mul(1.5)
                .m_mul(0.8)
                .alpha(0.01)
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
        let decay = CosineDecayRestarts::new(0.1, 10.0);
        for start in [0, 10, 30, 70, 150, 310, 630, 1270] {
            close(decay.at(start), 0.1);
        }
        close(decay.at(5), 0.05);
        close(decay.at(20), 0.05);
        let even = decay.t_mul(1.0).m_mul(0.5).alpha(0.1);
        close(even.at(25), 0.1 * (0.9 * 0.25 * 0.5 + 0.1));
    }

    /// Whatever the factor, ways begin where they should, to the step.
    #[test]
    fn ways_begin_at_their_steps() {
        for t_mul in [1.0, 1.25, 1.5, 2.0, 3.0, 1e300, f64::MAX] {
            let decay = CosineDecayRestarts::new(0.1, 64.0).t_mul(t_mul);
            let (mut start, mut length) = (0.0f64, 64.0);
            while start < 1e6 {
                let first = start.ceil();
                let done = (first - start) / length;
                close(decay.at(first as u64), 0.05 * (1.0 + math::cos_pi(done)));
                start += length;
                length *= t_mul;
            }
        }
        for t_mul in [1.0, 1.0 + f64::EPSILON, 2.0, f64::MAX] {
            let decay = CosineDecayRestarts::new(0.1, 64.0).t_mul(t_mul);
            for steps in [65, 1 << 40, u64::MAX] {
                assert!((0.0..=0.1).contains(&decay.at(steps)), "{t_mul} {steps}");
            }
        }
    }
}
