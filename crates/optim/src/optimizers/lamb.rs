//! Lamb (You et al. 2019) in Keras's form.

use super::adam::{Betas, betas};
use super::sgd::Descent;
use super::{Row, optimizer, row as row_of};
use crate::Penalty;
use crate::common::{Common, Own, Turn, run};
use crate::setting::Checked;
use crate::{Magnitudes, math};
use serde::{Deserialize, Serialize};
use taper_tensor::Element;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};

/// Adam's direction, `u = m̂ / (√v̂ + ε)` with `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)`, along which every weight tensor
/// moves in proportion to its own norm: `w −= lr·(‖w‖ / ‖u‖)·u`, the ratio being 1 where one of the norms is 0.
///
/// Defaults as in Keras: learning rate 0.001, β₁ 0.9, β₂ 0.999, ε 1e-7.
///
/// ```
/// use taper_optim::{Lamb, Optimizer};
/// let lamb: &dyn Optimizer = &Lamb::new(0.002).weight_decay(0.01);
/// assert_eq!(lamb.config()["weight_decay"], 0.01);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lamb {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Settings(Betas);

optimizer!(Lamb, Settings);
betas!(Lamb, settings.0);

impl Own for Settings {
    const CLASS_NAME: &'static str = "Lamb";

    fn check<E: Element>(&self) -> Checked {
        self.0.check::<E>()
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum", "velocity"]
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        // No number of a direction is larger than its norm, and no norm than the weight's largest number times the root of how
        // many there are: up to 2⁴⁸.
        const ROOT: f64 = (1u64 << 24) as f64;
        let step = self.0.step(turn.iteration, 1.0);
        let Magnitudes {
            quotient, slots, ..
        } = step.reach(now)?;
        // Where a norm is 0 the direction itself is taken; √v̂ is larger than √v.
        let unbiased = 1.0 / (1.0 - math::power(self.0.beta_1, turn.iteration));
        let most = (now.weight * ROOT).max(quotient * unbiased);
        if now.weight > 1e15 {
            return None; // its square may be more than f32 has
        }
        // Where squares of a direction are subnormal, its norm is rough.
        let weight = now.weight + turn.learning_rate * most * 2.0;
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
        let Betas {
            beta_1,
            beta_2,
            epsilon,
        } = self.0;
        let unbiased = |beta: f64| 1.0 / (1.0 - math::power(beta, turn.iteration));
        let rule = Direction {
            rest_1: 1.0 - beta_1,
            rest_2: 1.0 - beta_2,
            unbiased: [unbiased(beta_1), unbiased(beta_2)],
            epsilon,
        };
        // The penalty is that of the weight before its decay.
        let mut direction = weight.to_vec();
        rule.update(&mut direction, gradient, slots, turn.penalty);
        let norm = |values: &[E]| E::penalty_sums(values).1.sqrt();
        let (of_weight, of_direction) = (norm(weight) * (1.0 - turn.decay).abs(), norm(&direction));
        let both = of_weight > 0.0 && of_direction > 0.0;
        let ratio = if both { of_weight / of_direction } else { 1.0 };
        let along = Descent {
            learning_rate: turn.learning_rate * ratio,
        };
        let bare = Turn {
            penalty: Penalty::default(),
            ..turn
        };
        run(along, bare, weight, &direction, &mut []);
    }
}

/// The direction in place of the weight.
#[derive(Clone, Copy, Debug)]
struct Direction {
    rest_1: f64,
    rest_2: f64,
    unbiased: [f64; 2],
    epsilon: f64,
}

impl Rule<2> for Direction {
    #[inline(always)]
    fn step<V: Numbers>(self, _w: V, g: V, [m, v]: &mut [Slot<V>; 2]) -> V {
        let m = m.set(m.get().add_scaled(g - m.get(), self.rest_1));
        let v = v.set(v.get().add_scaled(g * g - v.get(), self.rest_2));
        m * self.unbiased[0] / ((v * self.unbiased[1]).sqrt() + self.epsilon)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Lamb>(
        "Adam's direction, in proportion to the norm of each weight",
        file!(),
        || vec![Box::new(Lamb::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let (mut m, mut v) = (0.0, 0.0);
        compare(&Lamb::new(0.01), |w: f64, g, t| {
            m += (g - m) * 0.1;
            v += (g * g - v) * 0.001;
            let (m, v) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            let u: f64 = m / (f64::sqrt(v) + 1e-7);
            w - 0.01 * (w.abs() / u.abs()) * u
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999,
            "epsilon": 1e-7});
        check_config("Lamb", &Lamb::default(), defaults);
    }
}
