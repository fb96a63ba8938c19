//! Adamax (Kingma and Ba 2014, section 7.1) in Keras's form.

use super::adam::{Betas, betas};
use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, run};
use crate::setting::Checked;
use crate::{Magnitudes, math};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Adam with the largest magnitude, which decays, in place of the root of the mean of squares: `m += (g − m)·(1 − β₁)`,
/// `u = max(β₂·u, |g|)`, `w −= lr·m / ((1 − β₁ᵗ)·(u + ε))`.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1e-7.
///
/// ```
/// use taper_optim::{Adamax, Optimizer};
/// let adamax: &dyn Optimizer = &Adamax::new(0.002).beta_2(0.99);
/// assert_eq!(adamax.slots(), ["momentum", "norm"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adamax {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Settings(Betas);

optimizer!(Adamax, Settings);
betas!(Adamax, settings.0);

impl Own for Settings {
    const CLASS_NAME: &'static str = "Adamax";

    fn check<E: Element>(&self) -> Checked {
        self.0.check::<E>()
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum", "norm"]
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let Betas {
            beta_1,
            beta_2,
            epsilon,
        } = self.0;
        let slots = now.slots.max(now.gradient);
        // |m| / (u + ε): u is at least β₂ of what it was and at least |g|.
        let before = now.quotient.min(now.slots / epsilon);
        let quotient = match beta_2 < 0.1 {
            true => slots / epsilon,
            false => (before * beta_1 / beta_2 + (1.0 - beta_1)).min(slots / epsilon),
        };
        // What is lost of u where it is subnormal, and by rounding.
        let quotient = quotient * (1.0 + f64::from(f32::MIN_POSITIVE) / epsilon) * (1.0 + 1e-5);
        let weight = now.weight + self.rule(turn).alpha * quotient;
        Some(Magnitudes {
            quotient,
            ..now.next(weight, slots)
        })
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        run(self.rule(turn), turn, weight, gradient, slots);
    }
}

impl Settings {
    fn rule(&self, turn: Turn) -> Step {
        let Betas {
            beta_1,
            beta_2,
            epsilon,
        } = self.0;
        Step {
            alpha: turn.learning_rate / (1.0 - math::power(beta_1, turn.iteration)),
            rest_1: 1.0 - beta_1,
            beta_2,
            epsilon,
        }
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    alpha: f64,
    rest_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [m, u]: &mut [Slot<V>; 2]) -> V {
        let m = m.set(m.get().add_scaled(g - m.get(), self.rest_1));
        let u = u.set((u.get() * self.beta_2).larger(g.abs()));
        w - m * self.alpha / (u + self.epsilon)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Adamax>(
        "w −= lr·m / ((1 − β₁ᵗ)·(u + ε)), u being the largest gradient, which decays",
        file!(),
        || vec![Box::new(Adamax::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let (mut m, mut u) = (0.0, 0.0f64);
        compare(&Adamax::new(0.01), |w, g, t| {
            m += (g - m) * 0.1;
            u = (0.999 * u).max(g.abs());
            w - 0.01 * m / ((1.0 - 0.9f64.powi(t)) * (u + 1e-7))
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999,
            "epsilon": 1e-7});
        check_config("Adamax", &Adamax::default(), defaults);
    }
}
