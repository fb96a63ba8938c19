//! Adadelta (Zeiler 2012) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::Magnitudes;
use crate::common::{Common, Own, Turn, run};
use crate::setting::{Checked, below_one, positive_in};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps as large as the steps before, divided by the root of a mean of squares: `a = ρ·a + (1 − ρ)·g²`,
/// `Δ = −√(d + ε) / √(a + ε)·g`, `d = ρ·d + (1 − ρ)·Δ²`, `w += lr·Δ`.
///
/// Defaults as in Keras: learning rate 0.001 (the paper has 1), ρ 0.95, ε 1e-7.
///
/// ```
/// use taper_optim::{Adadelta, Optimizer};
/// let adadelta: &dyn Optimizer = &Adadelta::new(1.0).rho(0.9);
/// assert_eq!(adadelta.slots(), ["accumulated_grad", "accumulated_delta_var"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adadelta {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    rho: f64,
    epsilon: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            rho: 0.95,
            epsilon: 1e-7,
        }
    }
}

optimizer!(Adadelta, Settings);

impl Adadelta {
    /// Decay of the running means, in [0, 1) (default: 0.95).
    pub fn rho(mut self, rho: f64) -> Self {
        self.settings.rho = rho;
        self
    }

    /// What keeps the quotient finite, above 0 (default: 1e-7).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Adadelta";

    fn check<E: Element>(&self) -> Checked {
        below_one("rho", self.rho).and_then(|()| positive_in::<E>("epsilon", self.epsilon))
    }

    fn slots(&self) -> &'static [&'static str] {
        &["accumulated_grad", "accumulated_delta_var"]
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        const ROOM: f64 = 1.0 + 1e-4;
        // √a is at least √(1 − ρ)·|g|, but for what is lost where it is subnormal, so that d grows by ε a step at most.
        let flushed = 1.0 + f64::from(f32::MIN_POSITIVE) / self.epsilon;
        let square = (now.slots + self.epsilon) / (1.0 - self.rho) * flushed * ROOM;
        let slots = (now.slots + self.epsilon * flushed).max(now.gradient * now.gradient);
        let weight = now.weight + turn.learning_rate * square.sqrt() * ROOM;
        Some(now.next(weight, slots * ROOM))
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
            rho: self.rho,
            epsilon: self.epsilon,
        };
        run(rule, turn, weight, gradient, slots);
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    learning_rate: f64,
    rho: f64,
    epsilon: f64,
}

impl Step {
    #[inline(always)]
    fn mean<V: Numbers>(self, mean: &mut Slot<V>, value: V) -> V {
        mean.set(mean.get() * self.rho + value * (1.0 - self.rho))
    }
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [a, d]: &mut [Slot<V>; 2]) -> V {
        let square = self.mean(a, g * g);
        let change = (d.get() + self.epsilon).sqrt() * g / (square + self.epsilon).sqrt();
        self.mean(d, change * change);
        w - change * self.learning_rate
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Adadelta>(
        "w += lr·Δ with Δ = −√(d + ε) / √(a + ε)·g, a and d being running means of the squares of g and Δ",
        file!(),
        || vec![Box::new(Adadelta::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let (mut a, mut d) = (0.0, 0.0);
        compare(&Adadelta::new(0.5), |w, g, _| {
            a = 0.95 * a + (1.0 - 0.95) * g * g;
            let change = -f64::sqrt(d + 1e-7) * g / f64::sqrt(a + 1e-7);
            d = 0.95 * d + (1.0 - 0.95) * change * change;
            w + 0.5 * change
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7});
        check_config("Adadelta", &Adadelta::default(), defaults);
    }
}
