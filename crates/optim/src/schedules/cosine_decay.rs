//! The learning rate down along half a cosine, perhaps after a linear way up (Loshchilov and Hutter 2017).

use super::{Row, Schedule, read};
use crate::math;
use crate::setting::{not_negative, positive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// From the initial learning rate along half a cosine down to `alpha` times of it within `decay_steps` steps. With a
/// `warmup_target` the rate first rises linearly to it within `warmup_steps`, and decays from there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineDecay {
    /// The learning rate at first.
    pub initial_learning_rate: f64,
    /// How many steps the way down takes.
    pub decay_steps: f64,
    /// What is left at the end, as a fraction.
    #[serde(default)]
    pub alpha: f64,
    /// The learning rate after the warm-up (absent: no warm-up).
    #[serde(default)]
    pub warmup_target: Option<f64>,
    /// How many steps the way up takes.
    #[serde(default)]
    pub warmup_steps: f64,
}

impl CosineDecay {
    /// From `initial_learning_rate` down to 0 within `decay_steps` steps.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        CosineDecay {
            initial_learning_rate,
            decay_steps,
            alpha: 0.0,
            warmup_target: None,
            warmup_steps: 0.0,
        }
    }

    /// What is left at the end, as a fraction (default: 0).
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// First rises to `target` within `steps` steps (default: no).
    pub fn warmup(mut self, target: f64, steps: f64) -> Self {
        self.warmup_target = Some(target);
        self.warmup_steps = steps;
        self
    }

    fn decay(&self, steps: f64, from: f64) -> f64 {
        let done = (steps / self.decay_steps).min(1.0);
        let cosine = 0.5 * (1.0 + math::cos_pi(done));
        from * ((1.0 - self.alpha) * cosine + self.alpha)
    }
}

impl Schedule for CosineDecay {
    fn class_name(&self) -> &'static str {
        "CosineDecay"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let steps = steps as f64;
        let Some(target) = self.warmup_target else {
            return self.decay(steps, self.initial_learning_rate);
        };
        if steps < self.warmup_steps {
            let done = steps / self.warmup_steps;
            return self.initial_learning_rate + (target - self.initial_learning_rate) * done;
        }
        self.decay(steps - self.warmup_steps, target)
    }

    fn fault(&self) -> Option<String> {
        let target = self.warmup_target.unwrap_or(0.0);
        not_negative("initial_learning_rate", self.initial_learning_rate)
            .and_then(|()| positive("decay_steps", self.decay_steps))
            .and_then(|()| not_negative("alpha", self.alpha))
            .and_then(|()| not_negative("warmup_target", target))
            .and_then(|()| not_negative("warmup_steps", self.warmup_steps))
            .err()
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "CosineDecay",
        about: "down along half a cosine, perhaps after a linear way up",
        file: file!(),
        from_config: read::<CosineDecay>,
        sample: || {
            CosineDecay::new(0.01, 100.0)
                .alpha(0.1)
                .warmup(0.3, 7.0)
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
        let decay = CosineDecay::new(0.1, 10.0);
        close(decay.at(0), 0.1);
        close(decay.at(5), 0.05);
        close(decay.at(10), 0.0);
        close(decay.at(1000), 0.0);
        close(decay.alpha(0.1).at(10), 0.01);
        let warm = CosineDecay::new(0.0, 10.0).warmup(0.2, 4.0);
        close(warm.at(1), 0.05);
        close(warm.at(4), 0.2);
        close(warm.at(9), 0.1);
    }
}
