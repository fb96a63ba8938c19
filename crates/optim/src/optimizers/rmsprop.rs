//! RMSprop (Hinton's lecture 6e of 2012) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, run};
use crate::magnitudes::FAR;
use crate::setting::{Checked, below_one, fraction, positive_in};
use crate::{Magnitudes, Optimizer};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Steps divided by the root of a running mean of the gradients' squares: `v = ρ·v + (1 − ρ)·g²`, `w −= lr·g / √(v + ε)`.
/// When centered, the square of a running mean `a` of the gradients is taken off first: `√(v − a² + ε)`. With momentum the
/// steps add up: `m = momentum·m + lr·g / √(v + ε)`, `w −= m`.
///
/// Defaults as in Keras: learning rate 0.001, ρ 0.9, no momentum, ε 1e-7, not centered.
#[derive(Clone, Debug, PartialEq)]
pub struct RMSprop {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            rho: 0.9,
            momentum: 0.0,
            epsilon: 1e-7,
            centered: false,
        }
    }
}

optimizer!(RMSprop, Settings);

impl RMSprop {
    /// Decay of the running means, in [0, 1) (default: 0.9).
    pub fn rho(mut self, rho: f64) -> Self {
        self.settings.rho = rho;
        self
    }

    /// How much of the last step goes on, in [0, 1] (default: 0).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// What keeps the quotient finite, above 0 (default: 1e-7).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }

    /// Whether squares are taken of the distance from the mean gradient (default: no).
    pub fn centered(mut self, on: bool) -> Self {
        self.settings.centered = on;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "RMSprop";

    fn check<E: Element>(&self) -> Checked {
        below_one("rho", self.rho)
            .and_then(|()| fraction("momentum", self.momentum))
            .and_then(|()| positive_in::<E>("epsilon", self.epsilon))
    }

    fn slots(&self) -> &'static [&'static str] {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &["velocity"],
            (true, false) => &["velocity", "momentum"],
            (false, true) => &["velocity", "average_gradient"],
            (true, true) => &["velocity", "momentum", "average_gradient"],
        }
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        let learning_rate = turn.learning_rate;
        let Settings {
            momentum,
            epsilon,
            centered,
            rho,
            ..
        } = *self;
        if centered {
            return None; // rounding may leave less than 0 under the root
        }
        let whole = now.gradient * learning_rate / epsilon.sqrt().min(1.0);
        // √v is at least √(1 − ρ)·|g|, but for what is rounded, and lost where it is subnormal.
        let flushed = 1.0 + (f64::from(f32::MIN_POSITIVE) / epsilon).sqrt();
        let increment = match whole > FAR {
            true => whole,
            false => whole.min(learning_rate / (1.0 - rho).sqrt() * flushed * (1.0 + 1e-4)),
        };
        let moments = now.slots.max(now.gradient * now.gradient);
        let slots = moments.max(now.slots * momentum + increment);
        Some(now.next(now.weight + now.slots * momentum + increment, slots))
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let Settings {
            rho,
            momentum,
            epsilon,
            centered,
        } = *self;
        let rule = Step {
            learning_rate: turn.learning_rate,
            rho,
            momentum,
            epsilon,
            centered,
        };
        match slots.len() {
            1 => run::<E, 1>(rule, turn, weight, gradient, slots),
            2 => run::<E, 2>(rule, turn, weight, gradient, slots),
            _ => run::<E, 3>(rule, turn, weight, gradient, slots),
        }
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    learning_rate: f64,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Step {
    /// With momentum and mean gradient if there are slots for them.
    #[inline(always)]
    fn next<V: Numbers>(
        self,
        w: V,
        g: V,
        v: &mut Slot<V>,
        momentum: Option<&mut Slot<V>>,
        average: Option<&mut Slot<V>>,
    ) -> V {
        let mut square = self.mean(v, g * g);
        if let Some(average) = average {
            let average = self.mean(average, g);
            square = square - average * average;
        }
        let increment = g * self.learning_rate / (square + self.epsilon).sqrt();
        match momentum {
            Some(m) => w - m.set(m.get() * self.momentum + increment),
            None => w - increment,
        }
    }

    #[inline(always)]
    fn mean<V: Numbers>(self, mean: &mut Slot<V>, value: V) -> V {
        mean.set(mean.get() * self.rho + value * (1.0 - self.rho))
    }
}

impl Rule<1> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [v]: &mut [Slot<V>; 1]) -> V {
        self.next(w, g, v, None, None)
    }
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [v, other]: &mut [Slot<V>; 2]) -> V {
        if self.centered {
            self.next(w, g, v, None, Some(other))
        } else {
            self.next(w, g, v, Some(other), None)
        }
    }
}

impl Rule<3> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [v, m, average]: &mut [Slot<V>; 3]) -> V {
        self.next(w, g, v, Some(m), Some(average))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, RMSprop>(
        "w −= lr·g / √(v + ε), v being a running mean of the gradients' squares",
        file!(),
        || {
            let plain = RMSprop::default();
            let momentum = plain.clone().momentum(0.5);
            let centered = [&plain, &momentum].map(|rule| rule.clone().centered(true));
            let all = [plain, momentum].into_iter().chain(centered);
            all.map(|rule| Box::new(rule) as Box<dyn Optimizer<E>>)
                .collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Penalty;
    use crate::optimizers::tests::{check_config, compare};

    /// RMSprop as Keras writes it, for one weight.
    fn textbook(momentum: f64, centered: bool) -> impl FnMut(f64, f64, i32) -> f64 {
        let (mut velocity, mut average, mut rolled) = (0.0f64, 0.0f64, 0.0f64);
        move |w, g, _| {
            velocity = 0.9 * velocity + (1.0 - 0.9) * g * g;
            let denominator = if centered {
                average = 0.9 * average + (1.0 - 0.9) * g;
                velocity - average * average + 1e-7
            } else {
                velocity + 1e-7
            };
            let increment = 0.01 * g / denominator.sqrt();
            if momentum > 0.0 {
                rolled = momentum * rolled + increment;
                w - rolled
            } else {
                w - increment
            }
        }
    }

    #[test]
    fn it_is_that_of_keras() {
        for momentum in [0.0, 0.5] {
            for centered in [false, true] {
                let rule = RMSprop::new(0.01).momentum(momentum).centered(centered);
                compare(&rule, textbook(momentum, centered));
            }
        }
        let defaults = serde_json::json!({"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0,
            "epsilon": 1e-7, "centered": false});
        check_config("RMSprop", &RMSprop::default(), defaults);
    }

    /// Python, gradients 0.5, −0.25 and 3 of a weight of 0.7, learning rate 0.1, momentum 0.5:
    /// `v = 0.9 * v + 0.1 * g * g; a = 0.9 * a + 0.1 * g; m = 0.5 * m + 0.1 * g / sqrt(v - a * a + 1e-7); w -= m`
    #[test]
    fn golden_numbers() {
        let rule = RMSprop::default().momentum(0.5).centered(true);
        let mut w = [0.7f64];
        let mut slots = [[0.0f64]; 3];
        for (step, g) in [0.5, -0.25, 3.0].into_iter().enumerate() {
            let [v, m, a] = &mut slots;
            let slots: &mut [&mut [f64]] = &mut [v, m, a];
            rule.update(
                step as u64 + 1,
                0.1,
                &mut w,
                &[g],
                slots,
                Penalty::default(),
            );
        }
        let found = [w, slots[0], slots[1], slots[2]].concat();
        for (found, golden) in found.into_iter().zip(GOLDEN) {
            assert!((found - golden).abs() <= 1e-14, "{found} is not {golden}");
        }
    }

    const GOLDEN: [f64; 4] = [
        0.009_046_307_323_967_55,
        0.925_875_000_000_000_1,
        0.339_433_009_646_471_05,
        0.318_000_000_000_000_06,
    ];
}
