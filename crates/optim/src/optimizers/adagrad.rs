//! Adagrad (Duchi, Hazan and Singer 2011) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::Magnitudes;
use crate::common::{Common, Own, Turn, run};
use crate::setting::{Checked, not_negative_in, positive_in};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps divided by the root of the sum of all squares so far: `a += g²`, `w −= lr·g / √(a + ε)`.
///
/// Defaults as in Keras: learning rate 0.001, sums that start at 0.1, ε 1e-7.
///
/// ```
/// use taper_optim::{Adagrad, Optimizer};
/// let adagrad: &dyn Optimizer = &Adagrad::new(0.1).initial_accumulator_value(0.5);
/// assert_eq!(adagrad.slot_start(0), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adagrad {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    initial_accumulator_value: f64,
    epsilon: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            initial_accumulator_value: 0.1,
            epsilon: 1e-7,
        }
    }
}

optimizer!(Adagrad, Settings);

impl Adagrad {
    /// What the sums of squares start with, 0 or more (default: 0.1).
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.settings.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// What keeps the quotient finite, above 0 (default: 1e-7).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Adagrad";

    fn check<E: Element>(&self) -> Checked {
        not_negative_in::<E>("initial_accumulator_value", self.initial_accumulator_value)
            .and_then(|()| positive_in::<E>("epsilon", self.epsilon))
    }

    fn slots(&self) -> &'static [&'static str] {
        &["accumulator"]
    }

    fn slot_start(&self, _slot: usize) -> f64 {
        self.initial_accumulator_value
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let slots = now.slots + now.gradient * now.gradient;
        // √a is at least |g|, but for what is rounded, and lost where it is subnormal.
        let flushed = 1.0 + (f64::from(f32::MIN_POSITIVE) / self.epsilon).sqrt();
        let change = turn.learning_rate * flushed * (1.0 + 1e-4);
        Some(now.next(now.weight + change, slots))
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
            epsilon: self.epsilon,
        };
        run(rule, turn, weight, gradient, slots);
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    learning_rate: f64,
    epsilon: f64,
}

impl Rule<1> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [a]: &mut [Slot<V>; 1]) -> V {
        let a = a.set(a.get() + g * g);
        w - g * self.learning_rate / (a + self.epsilon).sqrt()
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Adagrad>(
        "w −= lr·g / √(a + ε), a being the sum of all squares so far",
        file!(),
        || vec![Box::new(Adagrad::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let mut a = 0.1;
        compare(&Adagrad::new(0.01), |w, g, _| {
            a += g * g;
            w - 0.01 * g / f64::sqrt(a + 1e-7)
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "initial_accumulator_value": 0.1,
            "epsilon": 1e-7});
        check_config("Adagrad", &Adagrad::default(), defaults);
    }
}
