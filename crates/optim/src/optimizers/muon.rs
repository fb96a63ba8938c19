//! Muon (Jordan et al. 2024, with the step sizes of Liu et al. 2025) in Keras's form.

use super::adam::Betas;
use super::sgd::Descent;
use super::{Row, optimizer, row as row_of};
use crate::Penalty;
use crate::common::{Common, Own, Turn, run};
use crate::setting::{Checked, below_one, finite_in, fraction, not_negative, positive_in};
use serde::{Deserialize, Serialize};
use taper_tensor::kernels::update::{Numbers, Rule, Slot};
use taper_tensor::{Element, Tensor};

/// Steps of a matrix whose singular values are all about 1: `m = momentum·m + g`, `x = m` (with Nesterov's momentum
/// `g + momentum·m`), `x /= ‖x‖ + 1e-7`, then `ns_steps` times `x = a·x + (b·A + c·A²)·x` with `A = x·xᵀ`, and
/// `w −= lr·rms_rate·√(max(rows, columns))·x`. Everything that is no matrix, embeddings, and what `exclude_layers` names takes
/// the steps of [`AdamW`](crate::AdamW), with a weight decay of its own; the last layer should be among them.
///
/// Defaults as in Keras: learning rate 0.001, momentum 0.95, Nesterov's, five iterations with 3.4445, −4.7750 and 2.0315,
/// `rms_rate` 0.2, weight decay 0.004; β₁ 0.9, β₂ 0.999, ε 1e-7, weight decay 0.004 and the same learning rate for Adam's
/// steps. `exclude_layers` are parts of names; Keras reads them as regular expressions.
///
/// ```
/// use taper_optim::{Muon, Optimizer};
/// let muon: &dyn Optimizer = &Muon::new(0.01).exclude_layers(["dense_2"]);
/// assert!(muon.slot_shape_of(1, "dense/kernel", &[30, 20]).is_empty()); // a matrix has no velocity
/// assert_eq!(muon.slot_shape_of(1, "dense_2/kernel", &[30, 20]), [30, 20]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Muon {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    adam_beta_1: f64,
    adam_beta_2: f64,
    epsilon: f64,
    adam_weight_decay: Option<f64>,
    exclude_layers: Vec<String>,
    exclude_embeddings: bool,
    muon_a: f64,
    muon_b: f64,
    muon_c: f64,
    adam_lr_ratio: f64,
    momentum: f64,
    ns_steps: u32,
    nesterov: bool,
    rms_rate: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            adam_beta_1: 0.9,
            adam_beta_2: 0.999,
            epsilon: 1e-7,
            adam_weight_decay: Some(0.004),
            exclude_layers: Vec::new(),
            exclude_embeddings: true,
            muon_a: 3.4445,
            muon_b: -4.7750,
            muon_c: 2.0315,
            adam_lr_ratio: 1.0,
            momentum: 0.95,
            ns_steps: 5,
            nesterov: true,
            rms_rate: Some(0.2),
        }
    }
}

optimizer!(Muon, Settings);

impl Muon {
    /// Decay of the mean of gradients in Adam's steps, in [0, 1) (default: 0.9).
    pub fn adam_beta_1(mut self, adam_beta_1: f64) -> Self {
        self.settings.adam_beta_1 = adam_beta_1;
        self
    }

    /// Decay of the mean of squares in Adam's steps, in [0, 1) (default: 0.999).
    pub fn adam_beta_2(mut self, adam_beta_2: f64) -> Self {
        self.settings.adam_beta_2 = adam_beta_2;
        self
    }

    /// What keeps the quotient of Adam's steps finite, above 0 (default: 1e-7).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }

    /// The weight decay of what takes Adam's steps, 0 or more (default: 0.004).
    pub fn adam_weight_decay(mut self, adam_weight_decay: impl Into<Option<f64>>) -> Self {
        self.settings.adam_weight_decay = adam_weight_decay.into();
        self
    }

    /// Layers whose weights take Adam's steps, by parts of their names, e.g. the last layer (default: none).
    pub fn exclude_layers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.exclude_layers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether weights with `embedding` in their name take Adam's steps (default: yes).
    pub fn exclude_embeddings(mut self, exclude_embeddings: bool) -> Self {
        self.settings.exclude_embeddings = exclude_embeddings;
        self
    }

    /// Factor of x in each iteration (default: 3.4445).
    pub fn muon_a(mut self, muon_a: f64) -> Self {
        self.settings.muon_a = muon_a;
        self
    }

    /// Factor of its third power in each iteration (default: −4.7750).
    pub fn muon_b(mut self, muon_b: f64) -> Self {
        self.settings.muon_b = muon_b;
        self
    }

    /// Factor of its fifth power in each iteration (default: 2.0315).
    pub fn muon_c(mut self, muon_c: f64) -> Self {
        self.settings.muon_c = muon_c;
        self
    }

    /// The learning rate of Adam's steps, in learning rates, 0 or more (default: 1).
    pub fn adam_lr_ratio(mut self, adam_lr_ratio: f64) -> Self {
        self.settings.adam_lr_ratio = adam_lr_ratio;
        self
    }

    /// How much of the sum of gradients goes on, in [0, 1] (default: 0.95).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// How many iterations make a step orthogonal, at most 100 (default: 5).
    pub fn ns_steps(mut self, ns_steps: u32) -> Self {
        self.settings.ns_steps = ns_steps;
        self
    }

    /// Whether the step looks ahead along the momentum (default: yes).
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.settings.nesterov = nesterov;
        self
    }

    /// What steps are scaled to, beside the root of the longer side; `None` scales nothing (default: 0.2).
    pub fn rms_rate(mut self, rms_rate: impl Into<Option<f64>>) -> Self {
        self.settings.rms_rate = rms_rate.into();
        self
    }
}

impl Own for Settings {
    const CLASS_NAME: &'static str = "Muon";
    const WEIGHT_DECAY: Option<f64> = Some(0.004);

    fn check<E: Element>(&self) -> Checked {
        for (name, value) in [
            ("muon_a", self.muon_a),
            ("muon_b", self.muon_b),
            ("muon_c", self.muon_c),
        ] {
            finite_in::<E>(name, value)?;
        }
        if self.ns_steps > 100 {
            return Err(format!(
                "ns_steps is {}, it must be at most 100",
                self.ns_steps
            ));
        }
        below_one("adam_beta_1", self.adam_beta_1)
            .and_then(|()| below_one("adam_beta_2", self.adam_beta_2))
            .and_then(|()| positive_in::<E>("epsilon", self.epsilon))
            .and_then(|()| not_negative("adam_weight_decay", self.adam_weight_decay.unwrap_or(0.0)))
            .and_then(|()| not_negative("adam_lr_ratio", self.adam_lr_ratio))
            .and_then(|()| fraction("momentum", self.momentum))
            .and_then(|()| not_negative("rms_rate", self.rms_rate.unwrap_or(0.0)))
    }

    fn slots(&self) -> &'static [&'static str] {
        super::adam::SLOTS
    }

    /// The velocity is Adam's alone: a matrix has a single number in its place, by which the step knows it.
    fn slot_shape(&self, slot: usize, name: &str, weight: &[usize]) -> Vec<usize> {
        match slot {
            1 if !self.is_adams(name, weight) => Vec::new(),
            _ => weight.to_vec(),
        }
    }

    fn needs_names(&self) -> bool {
        !self.exclude_layers.is_empty()
    }

    fn weight_decay_of(&self, given: Option<f64>, name: &str, shape: &[usize]) -> f64 {
        let decay = match self.is_adams(name, shape) {
            true => self.adam_weight_decay,
            false => given,
        };
        decay.unwrap_or(0.0)
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        let betas = Betas {
            beta_1: self.adam_beta_1,
            beta_2: self.adam_beta_2,
            epsilon: self.epsilon,
        };
        let rate = turn.learning_rate * self.adam_lr_ratio;
        run::<E, 2>(
            betas.step(turn.iteration, rate),
            turn,
            weight,
            gradient,
            slots,
        );
    }

    fn step_tensor<E: Element>(
        &self,
        turn: Turn,
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
    ) {
        let gradient = gradient.contiguous();
        let values = gradient.as_slice().unwrap_or_default();
        if !(weight.rank() == 2 && slots[1].rank() == 0) {
            let mut slots: Vec<&mut [E]> = slots.iter_mut().map(Tensor::as_mut_slice).collect();
            return self.step(turn, weight.as_mut_slice(), values, &mut slots);
        }
        let longer = weight.shape().iter().copied().max().unwrap_or(0) as f64;
        let scale = self.rms_rate.map_or(1.0, |rate| rate * longer.sqrt());
        let ahead = Ahead {
            momentum: self.momentum,
            nesterov: self.nesterov,
        };
        let mut x = weight.clone();
        let momentum = slots[0].as_mut_slice();
        ahead.update(x.as_mut_slice(), values, &mut [momentum], turn.penalty);
        let Ok(direction) = self.orthogonal(&x) else {
            unreachable!("products of one matrix with itself");
        };
        let along = Descent {
            learning_rate: turn.learning_rate * scale,
        };
        let bare = Turn {
            penalty: Penalty::default(),
            ..turn
        };
        let direction = direction.contiguous();
        let values = direction.as_slice().unwrap_or_default();
        run(along, bare, weight.as_mut_slice(), values, &mut []);
    }
}

impl Settings {
    fn is_adams(&self, name: &str, shape: &[usize]) -> bool {
        let named = |part: &String| name.contains(part.as_str());
        shape.len() != 2
            || self.exclude_embeddings && name.to_lowercase().contains("embedding")
            || self.exclude_layers.iter().any(named)
    }

    /// U·S·Vᵀ of the matrix U·Σ·Vᵀ, all of S being near 1: Newton's and Schulz's iteration, with factors that make it fast.
    fn orthogonal<E: Element>(&self, matrix: &Tensor<E>) -> taper_tensor::Result<Tensor<E>> {
        let [a, b, c] = [self.muon_a, self.muon_b, self.muon_c].map(E::from_f64);
        let tall = matrix.shape()[0] > matrix.shape()[1];
        let wide = |x: &Tensor<E>| {
            if tall {
                x.transpose().contiguous()
            } else {
                x.clone()
            }
        };
        let norm = matrix.penalty_sums().1.sqrt() + 1e-7;
        let mut x = wide(matrix).map(|x| x / E::from_f64(norm));
        for _ in 0..self.ns_steps {
            let square = x.matmul(&x.transpose())?;
            let fourth = square.matmul(&square)?;
            let both = square.scale(b).add(&fourth.scale(c))?;
            x = x.scale(a).add(&both.matmul(&x)?)?;
        }
        Ok(wide(&x))
    }
}

/// The momentum ahead in place of the weight.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    momentum: f64,
    nesterov: bool,
}

impl Rule<1> for Ahead {
    #[inline(always)]
    fn step<V: Numbers>(self, _w: V, g: V, [m]: &mut [Slot<V>; 1]) -> V {
        let m = m.set(g + m.get() * self.momentum);
        if self.nesterov {
            g + m * self.momentum
        } else {
            m
        }
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, Muon>(
        "steps of matrices made orthogonal, AdamW for everything else",
        file!(),
        || vec![Box::new(Muon::default())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::tests::{check_config, compare};

    #[test]
    fn what_is_no_matrix_takes_the_steps_of_adamw() {
        let adam = crate::optimizers::adam::tests::textbook(|_| 0.01, 0.004);
        compare(&Muon::new(0.01), adam);
        let defaults = serde_json::json!({"learning_rate": 0.001, "adam_beta_1": 0.9, "adam_beta_2": 0.999,
            "epsilon": 1e-7, "adam_weight_decay": 0.004, "weight_decay": 0.004, "exclude_layers": [],
            "exclude_embeddings": true, "muon_a": 3.4445, "muon_b": -4.775, "muon_c": 2.0315,
            "adam_lr_ratio": 1.0, "momentum": 0.95, "ns_steps": 5, "nesterov": true, "rms_rate": 0.2});
        check_config("Muon", &Muon::default(), defaults);
    }

    /// Singular values of any size come near 1.
    #[test]
    fn steps_are_nearly_orthogonal() {
        for shape in [[4, 9], [9, 4], [5, 5]] {
            let of = |i: usize| ((i * i) as f64 * 0.7).sin() * 50.0;
            let matrix = Tensor::<f64>::from_fn(shape, of);
            let x = Settings::default().orthogonal(&matrix).unwrap();
            let x = if shape[0] > shape[1] {
                x.transpose()
            } else {
                x
            };
            let square = x.matmul(&x.transpose()).unwrap();
            let side = square.shape()[0];
            for (i, value) in square.to_vec().into_iter().enumerate() {
                let on = i % side == i / side;
                let fits = if on {
                    (0.4..1.6).contains(&value)
                } else {
                    value.abs() <= 0.4
                };
                assert!(fits, "{shape:?}: {value} at {i}");
            }
        }
    }
}
