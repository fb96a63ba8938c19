//! The learning rate up and then down below where it began (Smith and Topin 2018), as PyTorch has it; Keras has none.

use super::{Row, Schedule, read};
use crate::math;
use crate::setting::{fraction, not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// From `max_lr / div_factor` along half a cosine up to `max_lr` within `pct_start` of the steps, and along half a cosine down
/// to `1 / final_div_factor` of where it began within the rest, where it stays. Names and defaults of PyTorch's `OneCycleLR`.
///
/// ```
/// use taper_optim::{LearningRate, schedules::OneCycle};
/// let rate = LearningRate::from(OneCycle::new(0.1, 1000.0));
/// assert!((rate.at(0) - 0.004).abs() < 1e-15 && rate.at(299) == 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycle {
    /// The highest learning rate.
    pub max_lr: f64,
    /// How many steps both ways take.
    pub total_steps: f64,
    /// What part of them the way up takes.
    #[serde(default = "pct_start")]
    pub pct_start: f64,
    /// How much higher the top is than the start.
    #[serde(default = "div_factor")]
    pub div_factor: f64,
    /// How much higher the start is than the end.
    #[serde(default = "final_div_factor")]
    pub final_div_factor: f64,
}

fn pct_start() -> f64 {
    0.3
}

fn div_factor() -> f64 {
    25.0
}

fn final_div_factor() -> f64 {
    1e4
}

impl OneCycle {
    /// Up to `max_lr` and down again within `total_steps` steps.
    pub fn new(max_lr: f64, total_steps: f64) -> Self {
        OneCycle {
            max_lr,
            total_steps,
            pct_start: pct_start(),
            div_factor: div_factor(),
            final_div_factor: final_div_factor(),
        }
    }

    /// What part of the steps the way up takes, in [0, 1] (default: 0.3).
    pub fn pct_start(mut self, part: f64) -> Self {
        self.pct_start = part;
        self
    }

    /// How much higher the top is than the start, above 0 (default: 25).
    pub fn div_factor(mut self, factor: f64) -> Self {
        self.div_factor = factor;
        self
    }

    /// How much higher the start is than the end, above 0 (default: 10,000).
    pub fn final_div_factor(mut self, factor: f64) -> Self {
        self.final_div_factor = factor;
        self
    }
}

impl Schedule for OneCycle {
    fn class_name(&self) -> &'static str {
        "OneCycle"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let first = self.max_lr / self.div_factor;
        let last = first / self.final_div_factor;
        // Steps are counted from 0, so that the last of them is one less than their number.
        let top = self.pct_start * self.total_steps - 1.0;
        let end = self.total_steps - 1.0;
        let steps = steps as f64;
        let (from, to, done) = match steps <= top {
            true if top > 0.0 => (first, self.max_lr, steps / top),
            true => (first, self.max_lr, 1.0),
            false if end > top => (self.max_lr, last, ((steps - top) / (end - top)).min(1.0)),
            false => (self.max_lr, last, 1.0),
        };
        to + (from - to) * 0.5 * (1.0 + math::cos_pi(done))
    }

    fn fault(&self) -> Option<String> {
        not_negative("max_lr", self.max_lr)
            .and_then(|()| positive("total_steps", self.total_steps))
            .and_then(|()| fraction("pct_start", self.pct_start))
            .and_then(|()| positive("div_factor", self.div_factor))
            .and_then(|()| positive("final_div_factor", self.final_div_factor))
            .and_then(|()| not_negative("max_lr / div_factor", self.max_lr / self.div_factor))
            .err()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "OneCycle",
        about: "up along half a cosine and down below where it began",
        file: file!(),
        from_config: read::<OneCycle>,
        sample: || {
            OneCycle::new(0.1, 60.0)
                .pct_start(0.4)
                .div_factor(10.0)
                .final_div_factor(100.0)
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
        let cycle = OneCycle::new(1.0, 101.0).pct_start(0.5);
        close(cycle.at(0), 0.04);
        close(cycle.at(100), 0.04e-4);
        close(cycle.at(1_000_000), 0.04e-4);
        // Python: 1 + (0.04 - 1) / 2 * (1 + cos(pi * 10 / 49.5))
        close(cycle.at(10), 0.1334702763850919);
        // Down alone, and up alone.
        assert!((0.999..1.0).contains(&cycle.pct_start(0.0).at(0)));
        close(cycle.pct_start(1.0).at(100), 1.0);
    }
}
