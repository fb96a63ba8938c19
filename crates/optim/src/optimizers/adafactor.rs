//! Adafactor (Shazeer and Stern 2018) in Keras's form.

use super::{Row, optimizer, row as row_of};
use crate::common::{Common, Own, Turn, flushed};
use crate::setting::{Checked, not_negative_in, positive, positive_in};
use crate::{Penalty, math};
use serde::{Deserialize, Serialize};
use taper_tensor::{Element, Scalar, Tensor};

/// Adam without momentum, and of a matrix's mean squares only those of rows and columns are kept. With `β = 1 − t^beta_2_decay`
/// and `s = g² + ε₁`: `r = β·r + (1 − β)·mean(s over columns)`, `c = β·c + (1 − β)·mean(s over rows)`, `v = r·c / mean(r)` (of
/// a vector `v = β·v + (1 − β)·s`), `u = g / √v`, `w −= max(ε₂, rms(w))·min(lr, 1/√t)·u / max(1, rms(u) / clip_threshold)`.
/// Of weights with more than two axes the last two are the matrix.
///
/// Defaults as in Keras: learning rate 0.001, `beta_2_decay` −0.8, ε₁ 1e-30, ε₂ 0.001, `clip_threshold` 1. `relative_step` is
/// read and kept, but the learning rate is at most 1/√t either way, as in Keras.
///
/// ```
/// use taper_optim::{Adafactor, Optimizer};
/// let adafactor: &dyn Optimizer = &Adafactor::new(0.01);
/// let slots = [0, 1, 2].map(|slot| adafactor.slot_shape(slot, &[300, 200]));
/// assert_eq!(slots, [vec![300], vec![200], vec![]]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adafactor {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    beta_2_decay: f64,
    epsilon_1: f64,
    epsilon_2: f64,
    clip_threshold: f64,
    relative_step: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            beta_2_decay: -0.8,
            epsilon_1: 1e-30,
            epsilon_2: 1e-3,
            clip_threshold: 1.0,
            relative_step: true,
        }
    }
}

optimizer!(Adafactor, Settings);

impl Adafactor {
    /// How the decay of the mean squares goes to 1: less than 0 (default: −0.8).
    pub fn beta_2_decay(mut self, beta_2_decay: f64) -> Self {
        self.settings.beta_2_decay = beta_2_decay;
        self
    }

    /// What keeps quotients finite, above 0 (default: 1e-30).
    pub fn epsilon_1(mut self, epsilon_1: f64) -> Self {
        self.settings.epsilon_1 = epsilon_1;
        self
    }

    /// The least size of a weight that steps are in proportion to, 0 or more (default: 0.001).
    pub fn epsilon_2(mut self, epsilon_2: f64) -> Self {
        self.settings.epsilon_2 = epsilon_2;
        self
    }

    /// The largest root mean square of a step, in learning rates, above 0 (default: 1).
    pub fn clip_threshold(mut self, clip_threshold: f64) -> Self {
        self.settings.clip_threshold = clip_threshold;
        self
    }

    /// Whether a constant learning rate falls as 1/√t (default: yes; any rate does).
    pub fn relative_step(mut self, relative_step: bool) -> Self {
        self.settings.relative_step = relative_step;
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Adafactor";

    fn check<E: Element>(&self) -> Checked {
        if !(self.beta_2_decay < 0.0 && self.beta_2_decay.is_finite()) {
            let decay = self.beta_2_decay;
            return Err(format!(
                "beta_2_decay is {decay:?}, it must be finite and below 0"
            ));
        }
        positive_in::<E>("epsilon_1", self.epsilon_1)
            .and_then(|()| not_negative_in::<E>("epsilon_2", self.epsilon_2))
            .and_then(|()| positive("clip_threshold", self.clip_threshold))
    }

    fn slots(&self) -> &'static [&'static str] {
        &["r", "c", "velocity"]
    }

    /// What a weight has no use for is a single number.
    fn slot_shape(&self, slot: usize, _name: &str, weight: &[usize]) -> Vec<usize> {
        match (slot, weight) {
            (0, [rows @ .., _]) if weight.len() >= 2 => rows.to_vec(),
            (1, [outer @ .., _, columns]) => [outer, &[*columns]].concat(),
            (2, _) if weight.len() < 2 => weight.to_vec(),
            _ => Vec::new(),
        }
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let [_, _, v] = slots else {
            panic!("Adafactor keeps three numbers beside each");
        };
        let step = self.of(turn);
        let gradient = penalized(weight, gradient, turn.penalty);
        for (v, g) in v.iter_mut().zip(&gradient) {
            *v = E::from_f64(step.mean(Scalar::to_f64(*v), g * g + self.epsilon_1));
        }
        let directions = gradient.iter().zip(&**v);
        let directions = directions
            .map(|(g, v)| g / Scalar::to_f64(*v).sqrt())
            .collect();
        step.go(turn.decay, weight, directions);
    }

    fn step_tensor<E: Element>(
        &self,
        turn: Turn,
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
    ) {
        let gradient = gradient.contiguous();
        let gradient = gradient.as_slice().unwrap_or_default();
        let &[.., rows, columns] = weight.shape() else {
            let mut slots: Vec<&mut [E]> = slots.iter_mut().map(Tensor::as_mut_slice).collect();
            return self.step(turn, weight.as_mut_slice(), gradient, &mut slots);
        };
        let step = self.of(turn);
        let weight = weight.as_mut_slice();
        let mut gradient = penalized(weight, gradient, turn.penalty);
        let [r, c, _] = slots else {
            panic!("Adafactor keeps three numbers beside each");
        };
        let matrices = gradient.chunks_exact_mut((rows * columns).max(1));
        let kept = r.as_mut_slice().chunks_exact_mut(rows.max(1));
        let kept = kept.zip(c.as_mut_slice().chunks_exact_mut(columns.max(1)));
        for (matrix, (r, c)) in matrices.zip(kept) {
            step.factored(matrix, r, c);
        }
        step.go(turn.decay, weight, gradient);
    }
}

impl Settings {
    fn of(&self, turn: Turn) -> Step {
        let t = turn.iteration as f64;
        Step {
            settings: *self,
            rate: turn.learning_rate.min(1.0 / t.sqrt()),
            // 1 − β, which is the whole at the first step.
            rest: math::pow(t, self.beta_2_decay),
        }
    }
}

/// The gradient with that of the penalty.
fn penalized<E: Element>(weight: &[E], gradient: &[E], penalty: Penalty) -> Vec<f64> {
    let Penalty { l1, l2 } = penalty;
    let each = weight.iter().zip(gradient).map(|(w, g)| {
        let w = Scalar::to_f64(*w);
        let sign = if w == 0.0 { 0.0 } else { w.signum() };
        Scalar::to_f64(*g) + l1 * sign + 2.0 * l2 * w
    });
    each.collect()
}

/// The rule, with its constants of one step. Everything is computed in f64.
#[derive(Clone, Copy, Debug)]
struct Step {
    settings: Settings,
    rate: f64,
    rest: f64,
}

impl Step {
    fn mean(self, mean: f64, value: f64) -> f64 {
        let mean = (1.0 - self.rest) * mean + self.rest * value;
        if mean.abs() < f64::from(f32::MIN_POSITIVE) {
            0.0
        } else {
            mean
        }
    }

    /// The directions of one matrix in place of its gradients.
    fn factored<E: Element>(self, matrix: &mut [f64], r: &mut [E], c: &mut [E]) {
        let (rows, columns) = (r.len() as f64, c.len() as f64);
        let mut of_columns = vec![0.0; c.len()];
        for (row, r) in matrix.chunks_exact(c.len()).zip(&mut *r) {
            let mut sum = 0.0;
            for (g, column) in row.iter().zip(&mut of_columns) {
                let square = g * g + self.settings.epsilon_1;
                sum += square;
                *column += square;
            }
            *r = E::from_f64(self.mean(Scalar::to_f64(*r), sum / columns));
        }
        for (c, sum) in c.iter_mut().zip(of_columns) {
            *c = E::from_f64(self.mean(Scalar::to_f64(*c), sum / rows));
        }
        let mean = r.iter().map(|r| Scalar::to_f64(*r)).sum::<f64>() / rows;
        for (row, r) in matrix.chunks_exact_mut(c.len()).zip(&*r) {
            let of_row = Scalar::to_f64(*r) / mean;
            for (g, c) in row.iter_mut().zip(&*c) {
                *g /= (of_row * Scalar::to_f64(*c)).sqrt();
            }
        }
    }

    /// The weight behind its decay, moved along these directions.
    fn go<E: Element>(self, decay: f64, weight: &mut [E], directions: Vec<f64>) {
        let count = weight.len().max(1) as f64;
        let rms = |squares: f64| (squares / count).sqrt();
        let size = rms(weight
            .iter()
            .map(|w| Scalar::to_f64(*w) * Scalar::to_f64(*w))
            .sum())
            * (1.0 - decay).abs();
        let size = if size < self.settings.epsilon_2 {
            self.settings.epsilon_2
        } else {
            size
        };
        let steep = rms(directions.iter().map(|u| u * u).sum()) / self.settings.clip_threshold;
        // Where it is no number, so is the step.
        let most = if steep < 1.0 { 1.0 } else { steep };
        let along = size * self.rate / most;
        for (w, u) in weight.iter_mut().zip(directions) {
            let kept = Scalar::to_f64(*w) - Scalar::to_f64(*w) * decay;
            *w = flushed(E::from_f64(kept - along * u));
        }
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Adafactor>(
        "Adam without momentum, with mean squares of a matrix's rows and columns only",
        file!(),
        || vec![Box::new(Adafactor::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn it_is_that_of_keras() {
        let mut v = 0.0;
        compare(&Adafactor::new(0.01), |w: f64, g, t| {
            let rest = f64::from(t).powf(-0.8);
            v = (1.0 - rest) * v + rest * (g * g + 1e-30);
            let u: f64 = g / f64::sqrt(v);
            w - w.abs().max(1e-3) * 0.01 * u / u.abs().max(1.0)
        });
        let defaults = serde_json::json!({"learning_rate": 0.001, "beta_2_decay": -0.8, "epsilon_1": 1e-30,
            "epsilon_2": 1e-3, "clip_threshold": 1.0, "relative_step": true});
        check_config("Adafactor", &Adafactor::default(), defaults);
    }
}
