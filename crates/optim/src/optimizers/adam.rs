//! Adam (Kingma and Ba 2014) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, run};
use crate::magnitudes::FAR;
use crate::setting::{Checked, below_one, positive_in};
use crate::{Magnitudes, math};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps along a running mean of the gradients, divided by the root of a running mean of their squares:
/// `m += (g − m)·(1 − β₁)`, `v += (g² − v)·(1 − β₂)`, `w −= α·m / (√v + ε)` with `α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)`.
///
/// With `amsgrad` (Reddi, Kale and Kumar 2018) the root is that of the largest `v` so far.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1e-7, no AMSGrad.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    pub(super) common: Common,
    pub(super) settings: Settings,
}

/// What is Adam's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(super) beta_1: f64,
    pub(super) beta_2: f64,
    pub(super) epsilon: f64,
    // Not written where it is off, so that descriptions stay those of earlier versions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) amsgrad: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let Betas {
            beta_1,
            beta_2,
            epsilon,
        } = Betas::default();
        Settings {
            beta_1,
            beta_2,
            epsilon,
            amsgrad: false,
        }
    }
}

/// The settings of Adam's kin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Betas {
    pub(super) beta_1: f64,
    pub(super) beta_2: f64,
    pub(super) epsilon: f64,
}

impl Default for Betas {
    fn default() -> Self {
        Betas {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }
}

/// Their names in Rust; the settings lie at this place.
macro_rules! betas {
    ($name:ident, $($place:tt).+) => {
        impl $name {
            /// Decay of the mean of gradients, in [0, 1) (default: 0.9).
            pub fn beta_1(mut self, beta: f64) -> Self {
                self.$($place).+.beta_1 = beta;
                self
            }

            /// Decay of what the step is divided by, a mean of squares or a largest magnitude, in [0, 1) (default: 0.999).
            pub fn beta_2(mut self, beta: f64) -> Self {
                self.$($place).+.beta_2 = beta;
                self
            }

            /// What keeps the quotient finite, above 0 (default: 1e-7).
            pub fn epsilon(mut self, epsilon: f64) -> Self {
                self.$($place).+.epsilon = epsilon;
                self
            }
        }
    };
}
pub(super) use betas;

optimizer!(Adam, Settings);
betas!(Adam, settings);

impl Adam {
    /// Whether the root is that of the largest mean of squares so far (default: no).
    pub fn amsgrad(mut self, on: bool) -> Self {
        self.settings.amsgrad = on;
        self
    }
}

pub(super) const SLOTS: &[&str] = &["momentum", "velocity"];

impl Betas {
    pub(super) fn check<E: Element>(&self) -> Checked {
        below_one("beta_1", self.beta_1)
            .and_then(|()| below_one("beta_2", self.beta_2))
            .and_then(|()| positive_in::<E>("epsilon", self.epsilon))
    }

    /// Step number `iteration`, which counts from 1.
    pub(super) fn step(&self, iteration: u64, learning_rate: f64) -> Step {
        let power = |beta: f64| math::power(beta, iteration);
        Step {
            alpha: learning_rate * (1.0 - power(self.beta_2)).sqrt() / (1.0 - power(self.beta_1)),
            rest_1: 1.0 - self.beta_1,
            rest_2: 1.0 - self.beta_2,
            epsilon: self.epsilon,
        }
    }
}

impl Settings {
    pub(super) fn betas(&self) -> Betas {
        let Settings {
            beta_1,
            beta_2,
            epsilon,
            ..
        } = *self;
        Betas {
            beta_1,
            beta_2,
            epsilon,
        }
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    alpha: f64,
    rest_1: f64,
    rest_2: f64,
    epsilon: f64,
}

impl Step {
    /// Both means stay between what they were and what is added to them, and the quotient stays small.
    pub(super) fn reach(self, now: Magnitudes) -> Option<Magnitudes> {
        let slots = now.slots.max(now.gradient).max(now.gradient * now.gradient);
        // f32 may have no larger numbers; a NaN is no such number either.
        if self.alpha.max(slots * self.alpha) > FAR || (slots * self.alpha).is_nan() {
            return None;
        }
        let before = now.quotient.min(now.slots / self.epsilon);
        let quotient = self.quotient(before).min(slots / self.epsilon);
        let weight = now.weight + self.alpha * quotient;
        Some(Magnitudes {
            quotient,
            ..now.next(weight, slots)
        })
    }

    /// What |m| / (√v + ε) cannot exceed after a step, from what it does not exceed before it. Since √v becomes at least
    /// √β₂·√v and at least √(1 − β₂)·|g|, it is at most β₁/√β₂ of what it was and (1 − β₁)/√(1 − β₂) more, whatever the
    /// gradient: 32 for the defaults in the long run. Without it the bound of a weight would grow by |m| / ε a step, and by
    /// way of a penalty without end.
    pub(super) fn quotient(self, before: f64) -> f64 {
        let (beta_1, beta_2) = (1.0 - self.rest_1, 1.0 - self.rest_2);
        if beta_2 < 0.1 {
            return f64::INFINITY; // rounding may take more off v than stays
        }
        // What rounding adds to factors and to the whole, and what is lost of v where it is subnormal.
        const FACTOR: f64 = 1e-6;
        const WHOLE: f64 = 1.0 + 1e-4;
        let flushed = 1.0 + f64::from(f32::MIN_POSITIVE).sqrt() / self.epsilon;
        let kept = (beta_1 + FACTOR) / beta_2.sqrt() * before;
        let added = (self.rest_1 + FACTOR) / self.rest_2.sqrt();
        (kept + added) * flushed * WHOLE
    }
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [m, v]: &mut [Slot<V>; 2]) -> V {
        let m = m.set(m.get().add_scaled(g - m.get(), self.rest_1));
        let v = v.set(v.get().add_scaled(g * g - v.get(), self.rest_2));
        w - m * self.alpha / (v.sqrt() + self.epsilon)
    }
}

/// AMSGrad.
impl Rule<3> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [m, v, largest]: &mut [Slot<V>; 3]) -> V {
        let m = m.set(m.get().add_scaled(g - m.get(), self.rest_1));
        let v = v.set(v.get().add_scaled(g * g - v.get(), self.rest_2));
        let v = largest.set(largest.get().larger(v));
        w - m * self.alpha / (v.sqrt() + self.epsilon)
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Adam";

    fn check<E: Element>(&self) -> Checked {
        self.betas().check::<E>()
    }

    fn slots(&self) -> &'static [&'static str] {
        match self.amsgrad {
            false => SLOTS,
            true => &["momentum", "velocity", "velocity_hat"],
        }
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        // With AMSGrad the quotient is smaller still.
        let step = self.betas().step(turn.iteration, turn.learning_rate);
        step.reach(now)
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let rule = self.betas().step(turn.iteration, turn.learning_rate);
        match self.amsgrad {
            false => run::<E, 2>(rule, turn, weight, gradient, slots),
            true => run::<E, 3>(rule, turn, weight, gradient, slots),
        }
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Adam>(
        "w −= α·m / (√v + ε), m and v being running means of the gradients and their squares",
        file!(),
        || {
            vec![
                Box::new(Adam::default()),
                Box::new(Adam::default().amsgrad(true)),
            ]
        },
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};
    use serde_json::json;

    /// Adam as Keras writes it, for one weight.
    pub(in crate::optimizers) fn textbook(
        rate: impl Fn(i32) -> f64,
        decay: f64,
    ) -> impl FnMut(f64, f64, i32) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        move |w, g, t| {
            let rate = rate(t);
            m += (g - m) * 0.1;
            v += (g * g - v) * 0.001;
            let alpha = rate * (1.0 - 0.999f64.powi(t)).sqrt() / (1.0 - 0.9f64.powi(t));
            w - w * decay * rate - alpha * m / (f64::sqrt(v) + 1e-7)
        }
    }

    #[test]
    fn it_is_that_of_keras() {
        compare(&Adam::new(0.01), textbook(|_| 0.01, 0.0));
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999,
            "epsilon": 1e-7});
        check_config("Adam", &Adam::default(), defaults);
        assert_eq!(json!(Settings::default().betas()), json!(Betas::default()));
    }

    #[test]
    fn it_survives_more_steps_than_an_i32_counts() {
        let step = Betas::default().step(u64::MAX, 0.001);
        assert_eq!(step.alpha, 0.001);
    }
}
