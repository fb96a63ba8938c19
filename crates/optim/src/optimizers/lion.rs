//! Lion (Chen et al. 2023) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::Magnitudes;
use crate::common::{Common, Own, Turn, run};
use crate::setting::{Checked, below_one, fraction};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps of one size, along the sign of a mean of gradients: `w −= lr·sign(β₁·m + (1 − β₁)·g)`, `m = β₂·m + (1 − β₂)·g`.
/// Learning rates are a third to a tenth of Adam's, weight decay as much larger.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.99.
///
/// ```
/// use taper_optim::{Lion, Optimizer};
/// let lion: &dyn Optimizer = &Lion::new(1e-4).weight_decay(0.1);
/// assert_eq!(lion.slots(), ["momentum"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lion {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    beta_1: f64,
    beta_2: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            beta_1: 0.9,
            beta_2: 0.99,
        }
    }
}

optimizer!(Lion, Settings);

impl Lion {
    /// How much of the mean gradient the sign is taken of, in (0, 1] (default: 0.9).
    pub fn beta_1(mut self, beta_1: f64) -> Self {
        self.settings.beta_1 = beta_1;
        self
    }

    /// Decay of the mean gradient, in [0, 1) (default: 0.99).
    pub fn beta_2(mut self, beta_2: f64) -> Self {
        self.settings.beta_2 = beta_2;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Lion";

    fn check<E: Element>(&self) -> Checked {
        if self.beta_1 == 0.0 {
            return Err("beta_1 is 0.0, it must be in (0, 1]".into());
        }
        fraction("beta_1", self.beta_1).and_then(|()| below_one("beta_2", self.beta_2))
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let slots = now.slots.max(now.gradient);
        Some(now.next(now.weight + turn.learning_rate, slots))
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let rule = Step {
            learning_rate: turn.learning_rate,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
        };
        run(rule, turn, weight, gradient, slots);
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
}

impl Rule<1> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [m]: &mut [Slot<V>; 1]) -> V {
        let mean = m.get() * self.beta_1 + g * (1.0 - self.beta_1);
        m.set(m.get() * self.beta_2 + g * (1.0 - self.beta_2));
        let (zero, rate) = (w.all(0.0), w.all(self.learning_rate));
        let change = mean.where_positive(rate) - (zero - mean).where_positive(rate);
        // A NaN has no sign, but must not be hidden: x·0 is 0 for every finite number.
        w - (change + mean * 0.0)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Lion>(
        "w −= lr·sign(β₁·m + (1 − β₁)·g), m being a running mean of the gradients",
        file!(),
        || vec![Box::new(Lion::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let mut m = 0.0;
        compare(&Lion::new(0.01), |w, g, _| {
            let sign = f64::signum(0.9 * m + (1.0 - 0.9) * g);
            m = 0.99 * m + (1.0 - 0.99) * g;
            w - 0.01 * sign
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99});
        check_config("Lion", &Lion::default(), defaults);
    }

    #[test]
    fn what_has_no_sign_moves_nothing() {
        let (mut w, mut m) = ([0.5f64], [0.0]);
        let turn = Turn {
            iteration: 1,
            learning_rate: 0.1,
            decay: 0.0,
            penalty: Default::default(),
        };
        Settings::default().step(turn, &mut w, &[0.0], &mut [&mut m]);
        assert_eq!(w, [0.5]);
    }
}
