//! Penalties on weights and on a layer's output: λ·Σ|w| and λ·Σw², as Keras defines them. A weight's penalty never
//! enters the tape: its gradient is added by the optimizer in the pass that it makes anyway, but for what couples a weight's
//! numbers.

mod orthogonal;

pub use orthogonal::{Mode, OrthogonalRegularizer};

use crate::config::{parse, unparse};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Tensor};

/// l1·Σ|w| + l2·Σw² (no ½), and perhaps a penalty on directions that are not at right angles. [`L1`], [`L2`], [`L1L2`] and
/// [`OrthogonalRegularizer`] convert into it; in JSON and TOML `{"l2": 0.01}`, `{"orthogonal": {"factor": 0.01}}`.
///
/// ```
/// use taper_nn::{L2, Regularizer};
/// use taper_tensor::Tensor;
/// let w = Tensor::<f64>::from_vec([2], vec![3.0, -4.0])?;
/// assert_eq!(Regularizer::from(L2(0.01)).value(&w), 0.25);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regularizer {
    /// Factor of Σ|w| (default: 0).
    pub l1: f64,
    /// Factor of Σw² (default: 0).
    pub l2: f64,
    /// The penalty on directions (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orthogonal: Option<OrthogonalRegularizer>,
}

/// λ·Σ|w|, which pulls weights to exactly 0. Keras's usual λ is 0.01.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1(pub f64);

/// λ·Σw² (no ½), which pulls weights towards 0. Keras's usual λ is 0.01.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2(pub f64);

/// Both penalties at once: `L1L2 { l1: 0.01, l2: 0.001 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct L1L2 {
    /// Factor of Σ|w| (default: 0).
    pub l1: f64,
    /// Factor of Σw² (default: 0).
    pub l2: f64,
}

impl From<L1> for Regularizer {
    fn from(L1(l1): L1) -> Self {
        L1L2 { l1, l2: 0.0 }.into()
    }
}

impl From<L2> for Regularizer {
    fn from(L2(l2): L2) -> Self {
        L1L2 { l1: 0.0, l2 }.into()
    }
}

impl From<L1L2> for Regularizer {
    fn from(L1L2 { l1, l2 }: L1L2) -> Self {
        Regularizer {
            l1,
            l2,
            orthogonal: None,
        }
    }
}

impl From<OrthogonalRegularizer> for Regularizer {
    fn from(orthogonal: OrthogonalRegularizer) -> Self {
        Regularizer {
            orthogonal: Some(orthogonal),
            ..Regularizer::default()
        }
    }
}

impl Regularizer {
    /// The penalty of a tensor.
    pub fn value<E: Element>(&self, weight: &Tensor<E>) -> f64 {
        let (absolute, square) = weight.penalty_sums();
        // A factor of 0 is "no penalty", also for weights that overflowed: 0 · ∞ would be NaN.
        let part = |factor: f64, sum: f64| if factor == 0.0 { 0.0 } else { factor * sum };
        let coupled = self.orthogonal.map_or(0.0, |penalty| penalty.value(weight));
        part(self.l1, absolute) + part(self.l2, square) + coupled
    }

    /// The part of [`gradient`](Self::gradient) that is more than l1·sign(w) + 2·l2·w, which an optimizer adds number by number.
    pub fn coupled_gradient<E: Element>(&self, weight: &Tensor<E>) -> Option<Tensor<E>> {
        let penalty = self.orthogonal.filter(|penalty| penalty.factor != 0.0)?;
        Some(penalty.gradient(weight))
    }

    /// The gradient of [`value`](Self::value): l1·sign(w) + 2·l2·w, with sign(0) = 0, and that of the penalty on directions.
    pub fn gradient<E: Element>(&self, weight: &Tensor<E>) -> Tensor<E> {
        let (l1, l2) = (E::from_f64(self.l1), E::from_f64(2.0 * self.l2));
        let coupled = self.coupled_gradient(weight);
        let single = weight.map(|w| {
            let sign = if w == E::zero() {
                E::zero()
            } else {
                w.signum()
            };
            l1 * sign + l2 * w
        });
        match coupled.map(|coupled| single.add(&coupled)) {
            Some(Ok(both)) => both,
            _ => single,
        }
    }

    /// The penalty as a scalar on the tape, for what is no weight: a layer's output.
    pub fn penalty<E: Element>(&self, x: &Var<E>) -> Result<Var<E>> {
        let absolute = |x: &Var<E>| x.abs().sum().scale(E::from_f64(self.l1));
        let square = |x: &Var<E>| x.square().sum().scale(E::from_f64(self.l2));
        let single = match (self.l1 != 0.0, self.l2 != 0.0) {
            (true, true) => absolute(x).add(&square(x))?,
            (true, false) => absolute(x),
            _ => square(x),
        };
        match self.orthogonal {
            Some(orthogonal) => Ok(single.add(&orthogonal.penalty(x)?)?),
            None => Ok(single),
        }
    }
}

/// One kind of regularizer.
#[derive(Clone, Copy)]
pub struct Row {
    /// Keras's class name.
    pub class_name: &'static str,
    /// The formula, in one line.
    pub about: &'static str,
    /// Reads Keras's config, e.g. `{"l2": 0.01}`; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Regularizer>,
    /// A random one, for gradient checks.
    pub sample: fn(&mut Sampler) -> Regularizer,
}

/// Every kind of regularizer.
pub fn all() -> Vec<Row> {
    vec![
        Row {
            class_name: "L1",
            about: "l1·Σ|w|",
            from_config: |config| {
                Ok(L1(parse::<Config>("L1", config)?.l1("L1")?.unwrap_or(0.01)).into())
            },
            sample: |sampler| L1(sampler.number(0.001, 0.5)).into(),
        },
        Row {
            class_name: "L2",
            about: "l2·Σw²",
            from_config: |config| {
                Ok(L2(parse::<Config>("L2", config)?.l2("L2")?.unwrap_or(0.01)).into())
            },
            sample: |sampler| L2(sampler.number(0.001, 0.5)).into(),
        },
        Row {
            class_name: "L1L2",
            about: "l1·Σ|w| + l2·Σw²",
            from_config: |config| {
                let Config { l1, l2 } = parse("L1L2", config)?;
                let (l1, l2) = (l1.unwrap_or(0.0), l2.unwrap_or(0.0));
                Ok(L1L2 { l1, l2 }.into())
            },
            sample: |sampler| {
                let (l1, l2) = (sampler.number(0.001, 0.5), sampler.number(0.001, 0.5));
                L1L2 { l1, l2 }.into()
            },
        },
        orthogonal::row(),
    ]
}

/// Reads the regularizer called `class_name`.
pub fn from_config(class_name: &str, config: &Value) -> Result<Regularizer> {
    let row = all().into_iter().find(|row| row.class_name == class_name);
    let row = row.ok_or_else(|| {
        Error::Config(format!(
            "no regularizer is called {class_name:?}: there are L1, L2, L1L2 and OrthogonalRegularizer"
        ))
    })?;
    (row.from_config)(config)
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    l1: Option<f64>,
    l2: Option<f64>,
}

impl Config {
    fn l1(&self, class_name: &str) -> Result<Option<f64>> {
        self.l2
            .map_or(Ok(self.l1), |_| Err(self.foreign(class_name)))
    }

    fn l2(&self, class_name: &str) -> Result<Option<f64>> {
        self.l1
            .map_or(Ok(self.l2), |_| Err(self.foreign(class_name)))
    }

    fn foreign(&self, class_name: &str) -> Error {
        Error::Config(format!(
            "{class_name}: takes one factor of its own, found {}; use L1L2 for both",
            unparse(self)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use taper_autograd::Tape;

    /// Off the tape, value and gradient are those of the tape.
    #[test]
    fn both_forms_agree() {
        for row in all() {
            for case in 0..20 {
                let mut sampler = Sampler::new(4, case);
                let regularizer = (row.sample)(&mut sampler);
                let shape = sampler.shape(0, 3, 5);
                let weight = sampler.away_from_zero(&shape);
                let tape = Tape::new();
                let w = tape.parameter(&weight);
                let penalty = regularizer.penalty(&w).unwrap();
                let (a, b) = (regularizer.value(&weight), penalty.value().item().unwrap());
                assert!(
                    (a - b).abs() <= 1e-12 * b.max(1.0),
                    "{regularizer:?}: {a} and {b}"
                );
                let gradients = penalty.backward().unwrap();
                let difference = gradients[&w]
                    .max_abs_difference(&regularizer.gradient(&weight))
                    .unwrap();
                assert!(difference <= 1e-12, "{regularizer:?}: {difference}");
            }
        }
    }

    #[test]
    fn a_weight_of_zero_is_not_pulled() {
        let gradient = Regularizer::from(L1(0.5))
            .gradient(&Tensor::from_vec([3], vec![0.0, 2.0, -2.0]).unwrap());
        assert_eq!(gradient.to_vec(), [0.0, 0.5, -0.5f32]);
    }

    #[test]
    fn a_factor_of_zero_is_no_penalty_even_of_infinity() {
        let huge = Tensor::from_vec([1], vec![f32::MAX]).unwrap();
        assert_eq!(Regularizer::default().value(&huge), 0.0);
        assert!(Regularizer::from(L1(1.0)).value(&huge).is_finite());
    }

    #[test]
    fn descriptions_are_those_of_keras() {
        assert_eq!(
            from_config("L2", &json!({"l2": 0.02})).unwrap(),
            L2(0.02).into()
        );
        assert_eq!(from_config("L1", &json!({})).unwrap(), L1(0.01).into());
        assert_eq!(
            from_config("L1L2", &json!({"l1": 0.1})).unwrap(),
            L1L2 { l1: 0.1, l2: 0.0 }.into()
        );
        let error = |class, config| from_config(class, &config).unwrap_err().to_string();
        assert!(error("L2", json!({"l1": 0.1})).contains("L1L2"));
        assert!(error("L3", json!({})).contains("L3"));
        assert!(error("L2", json!({"l2": "x"})).starts_with("L2: "));
        let inside: Regularizer = serde_json::from_value(json!({"l2": 0.01})).unwrap();
        assert_eq!(inside, L2(0.01).into());
    }
}
