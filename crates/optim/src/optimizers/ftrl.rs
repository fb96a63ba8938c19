//! Ftrl (McMahan et al. 2013) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, flushed, run};
use crate::magnitudes::FAR;
use crate::setting::{Checked, not_negative_in};
use crate::{Penalty, math};
use serde::{Deserialize, Serialize};
use taper_tensor::kernels::update::{Numbers, Rule, Slot};
use taper_tensor::{Element, Scalar};

/// Follow the regularized leader: weights of sparse features stay exactly 0 under an L1 penalty. With `n` the sum of squares,
/// `p = −learning_rate_power` and `l2' = l2 + beta / (2·lr)`: `n' = n + g²`, `σ = (n'ᵖ − nᵖ) / lr`,
/// `z += g + 2·shrinkage·w − σ·w`, `w = (clip(z, ±l1) − z) / (n'ᵖ / lr + 2·l2')`.
///
/// A weight is a function of the gradients so far, not of where it started: one without a gradient becomes 0. At a learning
/// rate of 0 (or below 1e-30) nothing moves.
///
/// Defaults as in Keras: learning rate 0.001 to the power −0.5, sums that start at 0.1, everything else 0.
///
/// ```
/// use taper_optim::{Ftrl, Optimizer};
/// let ftrl: &dyn Optimizer = &Ftrl::new(0.1).l1_regularization_strength(0.01);
/// assert_eq!(ftrl.slots(), ["accumulator", "linear"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ftrl {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    learning_rate_power: f64,
    initial_accumulator_value: f64,
    l1_regularization_strength: f64,
    l2_regularization_strength: f64,
    l2_shrinkage_regularization_strength: f64,
    beta: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            learning_rate_power: -0.5,
            initial_accumulator_value: 0.1,
            l1_regularization_strength: 0.0,
            l2_regularization_strength: 0.0,
            l2_shrinkage_regularization_strength: 0.0,
            beta: 0.0,
        }
    }
}

optimizer!(Ftrl, Settings);

impl Ftrl {
    /// How the learning rate falls with the sum of squares, 0 (not at all) or less (default: −0.5).
    pub fn learning_rate_power(mut self, learning_rate_power: f64) -> Self {
        self.settings.learning_rate_power = learning_rate_power;
        self
    }

    /// What the sums of squares start with, 0 or more (default: 0.1).
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.settings.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// The L1 penalty, 0 or more (default: 0).
    pub fn l1_regularization_strength(mut self, l1_regularization_strength: f64) -> Self {
        self.settings.l1_regularization_strength = l1_regularization_strength;
        self
    }

    /// The L2 penalty on what the weights are, 0 or more (default: 0).
    pub fn l2_regularization_strength(mut self, l2_regularization_strength: f64) -> Self {
        self.settings.l2_regularization_strength = l2_regularization_strength;
        self
    }

    /// The L2 penalty on how the weights move, 0 or more (default: 0).
    pub fn l2_shrinkage_regularization_strength(
        mut self,
        l2_shrinkage_regularization_strength: f64,
    ) -> Self {
        self.settings.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength;
        self
    }

    /// A further L2 penalty, which falls as the learning rate rises, 0 or more (default: 0).
    pub fn beta(mut self, beta: f64) -> Self {
        self.settings.beta = beta;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Ftrl";

    fn check<E: Element>(&self) -> Checked {
        if !(self.learning_rate_power <= 0.0 && self.learning_rate_power.is_finite()) {
            let power = self.learning_rate_power;
            return Err(format!(
                "learning_rate_power is {power:?}, it must be finite and not above 0"
            ));
        }
        let strengths = [
            ("initial_accumulator_value", self.initial_accumulator_value),
            (
                "l1_regularization_strength",
                self.l1_regularization_strength,
            ),
            (
                "l2_regularization_strength",
                self.l2_regularization_strength,
            ),
            (
                "l2_shrinkage_regularization_strength",
                self.l2_shrinkage_regularization_strength,
            ),
            ("beta", self.beta),
        ];
        let mut strengths = strengths.into_iter();
        strengths.try_for_each(|(name, value)| not_negative_in::<E>(name, value))
    }

    fn slots(&self) -> &'static [&'static str] {
        &["accumulator", "linear"]
    }

    fn slot_start(&self, slot: usize) -> f64 {
        [self.initial_accumulator_value, 0.0][slot]
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let rule = Step {
            settings: *self,
            learning_rate: turn.learning_rate,
        };
        if self.learning_rate_power == -0.5 {
            return run(rule, turn, weight, gradient, slots);
        }
        let [sums, linear] = slots else {
            panic!("Ftrl keeps two numbers beside each");
        };
        let power = |n: f64| math::pow(n, -self.learning_rate_power);
        let kept = |x: f64| Scalar::to_f64(flushed(E::from_f64(x)));
        for (i, (w, &g)) in weight.iter_mut().zip(gradient).enumerate() {
            let [old, g, n, z] = [*w, g, sums[i], linear[i]].map(Scalar::to_f64);
            let Penalty { l1, l2 } = turn.penalty;
            let sign = if old == 0.0 { 0.0 } else { old.signum() };
            let g = g + l1 * sign + 2.0 * l2 * old;
            let next = kept(n + g * g);
            let decayed = old.less(turn.decay);
            let z = kept(rule.linear(decayed, g, power(next) - power(n), z));
            *w = flushed(E::from_f64(rule.weight(decayed, g, power(next), z)));
            (sums[i], linear[i]) = (E::from_f64(next), E::from_f64(z));
        }
    }
}

/// The rule, with its constants of one step.
#[derive(Clone, Copy, Debug)]
struct Step {
    settings: Settings,
    learning_rate: f64,
}

impl Step {
    /// Whether the learning rate is 0, or so near to it that its reciprocal is no number of f32.
    #[inline(always)]
    fn stands_still(self) -> bool {
        self.learning_rate * FAR < 1.0
    }

    /// The sum of gradients behind one more, and by how much the power of the sum of squares has grown.
    #[inline(always)]
    fn linear<V: Numbers>(self, w: V, g: V, grown: V, z: V) -> V {
        if self.stands_still() {
            return z + g * 0.0; // z, or NaN
        }
        let shrunk = w * (2.0 * self.settings.l2_shrinkage_regularization_strength);
        z + (g + shrunk - grown * (1.0 / self.learning_rate) * w)
    }

    /// The weight for these sums.
    #[inline(always)]
    fn weight<V: Numbers>(self, w: V, g: V, after: V, z: V) -> V {
        let (settings, rate) = (self.settings, self.learning_rate);
        if self.stands_still() {
            return w + g * 0.0;
        }
        let l2 = settings.l2_regularization_strength + settings.beta / (2.0 * rate);
        let quadratic = after * (1.0 / rate) + 2.0 * l2;
        let (zero, l1) = (w.all(0.0), settings.l1_regularization_strength);
        let low = z.larger(w.all(-l1));
        let clipped = zero - (zero - low).larger(w.all(-l1));
        // Where there was no gradient yet, and nothing else either, both are 0. NaN must not be hidden.
        quadratic.where_positive((clipped - z) / quadratic) + quadratic * 0.0
    }
}

impl Rule<2> for Step {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [n, z]: &mut [Slot<V>; 2]) -> V {
        let before = n.get().sqrt();
        let after = n.set(n.get() + g * g).sqrt();
        // √n' − √n, without the digits that the difference would lose.
        let grown = after.where_positive(g * g / (after + before));
        let z = z.set(self.linear(w, g, grown, z.get()));
        self.weight(w, g, after, z)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Ftrl>(
        "w = (clip(z, ±l1) − z) / (nᵖ / lr + 2·l2), z being a sum of gradients and n of their squares",
        file!(),
        || {
            let plain = Ftrl::default();
            let other = plain.clone().learning_rate_power(-0.3);
            let all = plain
                .clone()
                .l1_regularization_strength(0.001)
                .l2_regularization_strength(0.01)
                .l2_shrinkage_regularization_strength(0.01)
                .beta(0.1);
            vec![Box::new(plain), Box::new(other), Box::new(all)]
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    fn textbook(settings: Settings, rate: f64) -> impl FnMut(f64, f64, i32) -> f64 {
        let (mut n, mut z) = (settings.initial_accumulator_value, 0.0);
        move |w, g, _| {
            let power = |n: f64| n.powf(-settings.learning_rate_power);
            let l2 = settings.l2_regularization_strength + settings.beta / (2.0 * rate);
            let shrunk = 2.0 * settings.l2_shrinkage_regularization_strength * w;
            let next = n + g * g;
            z += g + shrunk - (power(next) - power(n)) / rate * w;
            n = next;
            let l1 = settings.l1_regularization_strength;
            (f64::clamp(z, -l1, l1) - z) / (power(n) / rate + 2.0 * l2)
        }
    }

    #[test]
    fn it_is_that_of_keras() {
        compare(&Ftrl::new(0.1), textbook(Settings::default(), 0.1));
        let all = Ftrl::new(0.1)
            .initial_accumulator_value(0.2)
            .l1_regularization_strength(0.05)
            .l2_regularization_strength(0.03)
            .l2_shrinkage_regularization_strength(0.02)
            .beta(0.4);
        compare(&all, textbook(all.settings, 0.1));
        for power in [0.0, -1.0, -0.3] {
            let other = all.clone().learning_rate_power(power);
            compare(&other, textbook(other.settings, 0.1));
        }
        let defaults = serde_json::json!({"learning_rate": 0.001, "learning_rate_power": -0.5,
            "initial_accumulator_value": 0.1, "l1_regularization_strength": 0.0,
            "l2_regularization_strength": 0.0, "l2_shrinkage_regularization_strength": 0.0, "beta": 0.0});
        check_config("Ftrl", &Ftrl::default(), defaults);
    }
}
