//! Nadam (Dozat 2016) in Keras's form.

use super::adam::{Betas, betas};
use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, run};
use crate::setting::Checked;
use crate::{Magnitudes, math};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Adam with Nesterov's momentum: `m` and `v` as in [`Adam`](crate::Adam), `uₜ = β₁·(1 − ½·0.96ᵗ)`, `Uₜ = u₁·…·uₜ`,
/// `m̂ = uₜ₊₁·m / (1 − Uₜ₊₁) + (1 − uₜ)·g / (1 − Uₜ)`, `v̂ = v / (1 − β₂ᵗ)`, `w −= lr·m̂ / (√v̂ + ε)`.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1e-7.
///
/// ```
/// use taper_optim::{Nadam, Optimizer};
/// let nadam: &dyn Optimizer = &Nadam::new(0.002).beta_1(0.95);
/// assert_eq!(nadam.config()["beta_1"], 0.95);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Nadam {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Settings(Betas);

optimizer!(Nadam, Settings);
betas!(Nadam, settings.0);

impl Own for Settings {
    const CLASS_NAME: &'static str = "Nadam";

    fn check<E: Element>(&self) -> Checked {
        self.0.check::<E>()
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum", "velocity"]
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let Betas {
            beta_2, epsilon, ..
        } = self.0;
        let rule = self.rule(turn);
        // With what Adam's quotient |m| / (√v + ε) cannot exceed; v̂ is larger than v.
        let step = self.0.step(turn.iteration, turn.learning_rate);
        let adam = step.reach(now)?;
        let whole = now.gradient / epsilon;
        let flushed = 1.0 + f64::from(f32::MIN_POSITIVE).sqrt() / epsilon;
        let ahead = whole.min(flushed * (1.0 + 1e-4) / (1.0 - beta_2).sqrt());
        let weight = now.weight + rule.past * adam.quotient + rule.present * ahead;
        Some(Magnitudes {
            quotient: adam.quotient,
            ..now.next(weight, adam.slots)
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
        let now = math::power(GROWTH, turn.iteration);
        let u = |power: f64| beta_1 * (1.0 - 0.5 * power);
        let (u_now, u_next) = (u(now), u(now * GROWTH));
        let product = self.product(turn.iteration);
        Step {
            past: turn.learning_rate * u_next / (1.0 - product * u_next),
            present: turn.learning_rate * (1.0 - u_now) / (1.0 - product),
            rest_1: 1.0 - beta_1,
            rest_2: 1.0 - beta_2,
            unbiased: 1.0 / (1.0 - math::power(beta_2, turn.iteration)),
            epsilon,
        }
    }

    /// u₁·…·uₜ. Behind the first thousand steps u is β₁ to the last bit.
    fn product(&self, iteration: u64) -> f64 {
        const GROWING: u64 = 1000;
        let (mut product, mut power) = (1.0, 1.0);
        for _ in 0..iteration.min(GROWING) {
            power *= GROWTH;
            product *= self.0.beta_1 * (1.0 - 0.5 * power);
        }
        product * math::power(self.0.beta_1, iteration.saturating_sub(GROWING))
    }
}

/// By what the distance between u and β₁ shrinks at a step.
const GROWTH: f64 = 0.96;

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Factor of the mean gradient.
    past: f64,
    /// Factor of the gradient.
    present: f64,
    rest_1: f64,
    rest_2: f64,
    unbiased: f64,
    epsilon: f64,
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [m, v]: &mut [Slot<V>; 2]) -> V {
        let m = m.set(m.get().add_scaled(g - m.get(), self.rest_1));
        let v = v.set(v.get().add_scaled(g * g - v.get(), self.rest_2));
        let ahead = m * self.past + g * self.present;
        w - ahead / ((v * self.unbiased).sqrt() + self.epsilon)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Nadam>(
        "Adam with Nesterov's momentum, which grows at first",
        file!(),
        || vec![Box::new(Nadam::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let (mut m, mut v, mut product) = (0.0, 0.0, 1.0);
        compare(&Nadam::new(0.01), |w, g, t| {
            let u = |t: i32| 0.9 * (1.0 - 0.5 * 0.96f64.powi(t));
            product *= u(t);
            m += (g - m) * 0.1;
            v += (g * g - v) * 0.001;
            let ahead =
                u(t + 1) * m / (1.0 - product * u(t + 1)) + (1.0 - u(t)) * g / (1.0 - product);
            w - 0.01 * ahead / (f64::sqrt(v / (1.0 - 0.999f64.powi(t))) + 1e-7)
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999,
            "epsilon": 1e-7});
        check_config("Nadam", &Nadam::default(), defaults);
    }

    #[test]
    fn the_product_goes_on_behind_the_first_thousand_steps() {
        let settings = Settings(Betas {
            beta_1: 0.9999,
            ..Betas::default()
        });
        let mut product = 1.0;
        for t in 1..=3000 {
            product *= 0.9999 * (1.0 - 0.5 * 0.96f64.powi(t));
            let found = settings.product(t as u64);
            assert!(
                (found / product - 1.0).abs() <= 1e-12,
                "{t}: {found} is not {product}"
            );
        }
        assert_eq!(settings.product(u64::MAX), 0.0);
    }
}
