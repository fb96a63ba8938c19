//! Adam (Kingma and Ba 2014) in Keras's form.

use super::{Common, Row, checked, common_settings, parse, unparse};
use crate::magnitudes::FAR;
use crate::schedules::LearningRate;
use crate::setting::{Checked, below_one, positive_in};
use crate::{Clipping, Magnitudes, Optimizer, Penalty, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps along a running mean of the gradients, divided by the root of a running mean of their squares:
/// `m += (g − m)·(1 − β₁)`, `v += (g² − v)·(1 − β₂)`, `w −= α·m / (√v + ε)` with `α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)`.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1e-7.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    pub(super) common: Common,
    pub(super) settings: Settings,
}

/// What is Adam's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }
}

impl Default for Adam {
    fn default() -> Self {
        Adam::new(LEARNING_RATE)
    }
}

pub(super) const LEARNING_RATE: f64 = 0.001;

impl Adam {
    /// With this learning rate (a number or a schedule); everything else as Keras has it by default.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        let common = Common {
            learning_rate: learning_rate.into(),
            clipping: None,
        };
        Adam {
            common,
            settings: Settings::default(),
        }
    }

    common_settings!();

    /// Decay of the mean of gradients, in [0, 1) (default: 0.9).
    pub fn beta_1(mut self, beta: f64) -> Self {
        self.settings.beta_1 = beta;
        self
    }

    /// Decay of the mean of squares, in [0, 1) (default: 0.999).
    pub fn beta_2(mut self, beta: f64) -> Self {
        self.settings.beta_2 = beta;
        self
    }

    /// What keeps the quotient finite, above 0 (default: 1e-7).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }
}

pub(super) const SLOTS: &[&str] = &["momentum", "velocity"];

impl Settings {
    pub(super) fn check<E: Element>(&self) -> Checked {
        below_one("beta_1", self.beta_1)
            .and_then(|()| below_one("beta_2", self.beta_2))
            .and_then(|()| positive_in::<E>("epsilon", self.epsilon))
    }

    /// Step number `iteration`, which counts from 1; `decay` is what AdamW takes off each weight first.
    pub(super) fn step(&self, iteration: u64, learning_rate: f64, decay: f64) -> Step {
        let Settings {
            beta_1,
            beta_2,
            epsilon,
        } = *self;
        // The powers differ from 0 for the first few hundred thousand steps only.
        let power = |beta: f64| beta.powi(i32::try_from(iteration).unwrap_or(i32::MAX));
        Step {
            alpha: learning_rate * (1.0 - power(beta_2)).sqrt() / (1.0 - power(beta_1)),
            rest_1: 1.0 - beta_1,
            rest_2: 1.0 - beta_2,
            epsilon,
            decay,
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
    decay: f64,
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
        let weight = now.weight * (1.0 - self.decay).abs().max(1.0) + self.alpha * quotient;
        Some(Magnitudes {
            quotient,
            ..now.next(weight, slots)
        })
    }

    /// What |m| / (√v + ε) cannot exceed after a step, from what it does not exceed before it. Since √v becomes at least
    /// √β₂·√v and at least √(1 − β₂)·|g|, it is at most β₁/√β₂ of what it was and (1 − β₁)/√(1 − β₂) more, whatever the
    /// gradient: 32 for the defaults in the long run. Without it the bound of a weight would grow by |m| / ε a step, and by
    /// way of a penalty without end.
    fn quotient(self, before: f64) -> f64 {
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
        w.less(self.decay) - m * self.alpha / (v.sqrt() + self.epsilon)
    }
}

impl<E: Element> Optimizer<E> for Adam {
    fn class_name(&self) -> &'static str {
        "Adam"
    }

    fn config(&self) -> Value {
        unparse(&self.common, serde_json::json!(self.settings))
    }

    fn check(&self) -> Result<()> {
        self.common.check("Adam", || self.settings.check::<E>())
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.common.learning_rate.at(steps)
    }

    fn clipping(&self) -> Option<Clipping> {
        self.common.clipping
    }

    fn slots(&self) -> &'static [&'static str] {
        SLOTS
    }

    fn reach(&self, iteration: u64, learning_rate: f64, now: Magnitudes) -> Option<Magnitudes> {
        self.settings.step(iteration, learning_rate, 0.0).reach(now)
    }

    fn update(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let step = self.settings.step(iteration, learning_rate, 0.0);
        step.update(weight, gradient, slots, penalty);
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Adam",
        about: "w −= α·m / (√v + ε), m and v being running means of the gradients and their squares",
        file: file!(),
        from_config: |config| {
            let (common, settings) = parse::<Settings>("Adam", config, LEARNING_RATE)?;
            checked(Adam { common, settings })
        },
        samples: || vec![Box::new(Adam::default())],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

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
    }

    #[test]
    fn it_survives_more_steps_than_an_i32_counts() {
        let step = Adam::default().settings.step(u64::MAX, 0.001, 0.0);
        assert_eq!(step.alpha, 0.001);
    }
}
