//! Gradient descent with momentum in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::Magnitudes;
use crate::common::{Common, Own, Turn, run};
use crate::setting::{Checked, fraction};
use serde::{Deserialize, Serialize};
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
pub(crate) struct Settings {
    momentum: f64,
    nesterov: bool,
}

optimizer!(SGD, Settings);

impl SGD {
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

impl Own for Settings {
    const CLASS_NAME: &'static str = "SGD";
    const LEARNING_RATE: f64 = 0.01;

    fn check<E: Element>(&self) -> Checked {
        fraction("momentum", self.momentum)
    }

    fn slots(&self) -> &'static [&'static str] {
        // Without momentum there is nothing to keep.
        if self.momentum == 0.0 {
            &[]
        } else {
            &["momentum"]
        }
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let change = now.gradient * turn.learning_rate;
        let slots = now.slots * self.momentum + change;
        Some(now.next(now.weight + slots + change, slots))
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let Settings { momentum, nesterov } = *self;
        let learning_rate = turn.learning_rate;
        if momentum == 0.0 {
            return run(Descent { learning_rate }, turn, weight, gradient, slots);
        }
        let rule = Momentum {
            learning_rate,
            momentum,
            nesterov,
        };
        run(rule, turn, weight, gradient, slots);
    }
}

/// The rule without momentum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    pub(super) learning_rate: f64,
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
    row_of::<E, SGD>(
        "w −= lr·g, with momentum or Nesterov's momentum",
        file!(),
        || {
            let momentum = SGD::default().momentum(0.9);
            let nesterov = momentum.clone().nesterov(true);
            vec![
                Box::new(SGD::default()),
                Box::new(momentum),
                Box::new(nesterov),
            ]
        },
    )
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
