//! Gradient descent with momentum in Keras's form.

use super::{Common, Row, checked, common_settings, parse, unparse};
use crate::schedules::LearningRate;
use crate::setting::fraction;
use crate::{Clipping, Magnitudes, Optimizer, Penalty, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// `w −= lr·g`; with momentum `v = momentum·v − lr·g` and `w += v`, or with Nesterov's `w += momentum·v − lr·g`.
///
/// Defaults as in Keras: learning rate 0.01, no momentum.
#[derive(Clone, Debug, PartialEq)]
pub struct SGD {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    momentum: f64,
    nesterov: bool,
}

const LEARNING_RATE: f64 = 0.01;

impl Default for SGD {
    fn default() -> Self {
        SGD::new(LEARNING_RATE)
    }
}

impl SGD {
    /// With this learning rate (a number or a schedule) and no momentum.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        let common = Common {
            learning_rate: learning_rate.into(),
            clipping: None,
        };
        SGD {
            common,
            settings: Settings::default(),
        }
    }

    common_settings!();

    /// How much of the last step goes on, in [0, 1] (default: 0).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// Whether the step looks ahead along the momentum (default: no).
    pub fn nesterov(mut self, on: bool) -> Self {
        self.settings.nesterov = on;
        self
    }
}

impl<E: Element> Optimizer<E> for SGD {
    fn class_name(&self) -> &'static str {
        "SGD"
    }

    fn config(&self) -> Value {
        unparse(&self.common, serde_json::json!(self.settings))
    }

    fn check(&self) -> Result<()> {
        self.common
            .check("SGD", || fraction("momentum", self.settings.momentum))
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.common.learning_rate.at(steps)
    }

    fn clipping(&self) -> Option<Clipping> {
        self.common.clipping
    }

    fn slots(&self) -> &'static [&'static str] {
        // Without momentum there is nothing to keep.
        if self.settings.momentum == 0.0 {
            &[]
        } else {
            &["momentum"]
        }
    }

    fn reach(&self, _iteration: u64, learning_rate: f64, now: Magnitudes) -> Option<Magnitudes> {
        let change = now.gradient * learning_rate;
        let slots = now.slots * self.settings.momentum + change;
        Some(now.next(now.weight + slots + change, slots))
    }

    fn update(
        &self,
        _iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let Settings { momentum, nesterov } = self.settings;
        if momentum == 0.0 {
            let descent = Descent { learning_rate };
            return descent.update(weight, gradient, slots, penalty);
        }
        let step = Momentum {
            learning_rate,
            momentum,
            nesterov,
        };
        step.update(weight, gradient, slots, penalty);
    }
}

/// The rule without momentum.
#[derive(Clone, Copy, Debug)]
struct Descent {
    learning_rate: f64,
}

impl Rule<0> for Descent {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, []: &mut [Slot<V>; 0]) -> V {
        w - g * self.learning_rate
    }
}

/// The rule with momentum.
#[derive(Clone, Copy, Debug)]
struct Momentum {
    learning_rate: f64,
    momentum: f64,
    nesterov: bool,
}

impl Rule<1> for Momentum {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [v]: &mut [Slot<V>; 1]) -> V {
        let change = g * self.learning_rate;
        let v = v.set(v.get() * self.momentum - change);
        if self.nesterov {
            w + (v * self.momentum - change)
        } else {
            w + v
        }
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SGD",
        about: "w −= lr·g, with momentum or Nesterov's momentum",
        file: file!(),
        from_config: |config| {
            let (common, settings) = parse::<Settings>("SGD", config, LEARNING_RATE)?;
            checked(SGD { common, settings })
        },
        samples: || {
            let momentum = SGD::default().momentum(0.9);
            let nesterov = momentum.clone().nesterov(true);
            vec![
                Box::new(SGD::default()),
                Box::new(momentum),
                Box::new(nesterov),
            ]
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        compare(&SGD::new(0.1), |w, g, _| w - 0.1 * g);
        let (mut plain, mut ahead) = (0.0, 0.0);
        compare(&SGD::new(0.1).momentum(0.9), |w, g, _| {
            plain = 0.9 * plain - 0.1 * g;
            w + plain
        });
        compare(&SGD::new(0.1).momentum(0.9).nesterov(true), |w, g, _| {
            ahead = 0.9 * ahead - 0.1 * g;
            w + 0.9 * ahead - 0.1 * g
        });
        let defaults =
            serde_json::json!({"learning_rate": 0.01, "momentum": 0.0, "nesterov": false});
        check_config("SGD", &SGD::default(), defaults);
    }
}
