//! Between cross-entropy and absolute error: a loss that wrong labels disturb less.

use super::sparse_categorical_crossentropy::one_hot;
use super::{Loss, Row, Sample, check_class_numbers, last_axis, means_of_samples, sum_of_rows};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// (1 − p^q) / q, averaged, where p is the output of the target's class (Zhang & Sabuncu 2018, Generalized Cross Entropy
/// Loss for Training Deep Neural Networks with Noisy Labels): the cross-entropy for q → 0, 1 − p for q = 1. The output is
/// `[n, …, classes]` of probabilities, the target `[n, …]` or `[n, …, 1]` of class numbers. The logits of a softmax are
/// used, so that an impossible class has a finite gradient.
///
/// ```
/// use taper_nn::losses::{CategoricalGeneralizedCrossEntropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::from_vec([1, 2], vec![0.25, 0.75])?);
/// let loss = CategoricalGeneralizedCrossEntropy.forward(&output, &Tensor::zeros([1]))?;
/// assert_eq!(loss.value().item()?, 1.0); // (1 − √0.25) / 0.5
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CategoricalGeneralizedCrossEntropy {
    /// Between cross-entropy (0) and absolute error (1), both excluded (default: 0.5).
    pub q: f64,
}

/// The loss with q = 0.5.
#[allow(non_upper_case_globals)]
pub const CategoricalGeneralizedCrossEntropy: CategoricalGeneralizedCrossEntropy =
    CategoricalGeneralizedCrossEntropy { q: 0.5 };

const NAME: &str = "categorical_generalized_cross_entropy";

impl Default for CategoricalGeneralizedCrossEntropy {
    fn default() -> Self {
        CategoricalGeneralizedCrossEntropy
    }
}

impl CategoricalGeneralizedCrossEntropy {
    /// With this q.
    #[must_use]
    pub fn new(q: f64) -> Self {
        CategoricalGeneralizedCrossEntropy { q }
    }

    /// (1 − power) / q, for powers `[n, …]`.
    fn losses<E: Element>(&self, powers: &Var<E>) -> Result<Var<E>> {
        let losses = powers
            .neg()
            .shift(E::one())
            .scale(E::from_f64(1.0 / self.q));
        means_of_samples(&losses)
    }

    /// What stands at the target's class.
    fn chosen<E: Element>(&self, values: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = one_hot(NAME, values.shape(), target, None)?;
        sum_of_rows(NAME, &values.mul(&values.tape().constant(&target))?)
    }
}

impl<E: Element> Loss<E> for CategoricalGeneralizedCrossEntropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        self.losses(&self.chosen(output, target)?.powf(E::from_f64(self.q)))
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = || {
            let axis = last_axis(NAME, logits.shape())?;
            // Beside the target's class there may be −∞, of which the share is 0.
            let logarithm = logits
                .log_softmax(axis)?
                .clip(E::from_f64(-1e30), E::zero());
            let chosen = self.chosen(&logarithm, target)?;
            self.losses(&chosen.scale(E::from_f64(self.q)).exp())
        };
        (activation == ActivationKind::Softmax).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_class_numbers(NAME, output, target)
    }

    fn is_classification(&self) -> bool {
        true
    }

    fn activation_of_logits(&self) -> Option<ActivationKind> {
        Some(ActivationKind::Softmax)
    }

    fn compares_rows(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        if self.q > 0.0 && self.q < 1.0 {
            return Ok(());
        }
        let message = format!(
            "CategoricalGeneralizedCrossEntropy: q is {}, it must be between 0 and 1",
            self.q
        );
        Err(Error::Config(message))
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CategoricalGeneralizedCrossEntropy",
        name: NAME,
        about: "(1 − p^q) / q, p the output of the target's class; targets are class numbers",
        file: file!(),
        from_config: |config| {
            let loss: CategoricalGeneralizedCrossEntropy =
                config::parse("CategoricalGeneralizedCrossEntropy", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let outer = sampler.shape(1, 2, 4);
            let classes = sampler.integer(2, 5);
            let output = sampler.positive(&[outer.as_slice(), &[classes]].concat());
            let target = Tensor::from_fn(outer, |_| sampler.integer(0, classes - 1) as f64);
            Sample {
                config: json!({"q": sampler.one_of(&[0.3, 0.5, 0.7])}),
                output,
                target,
                activation: Some(ActivationKind::Softmax),
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        let output = (&[2, 3][..], &[0.05, 0.95, 0.0, 0.1, 0.8, 0.1][..]);
        let loss = CategoricalGeneralizedCrossEntropy::new(0.7);
        let wanted = (2.0 - 0.95f64.powf(0.7) - 0.1f64.powf(0.7)) / 0.7 / 2.0;
        close(value(&loss, output, (&[2], &[1.0, 2.0])), wanted);
    }

    #[test]
    fn a_q_at_the_ends_is_refused() {
        for q in [0.0, 1.0, -0.5] {
            let error = (row::<f32>().from_config)(&json!({ "q": q })).unwrap_err();
            assert!(error.to_string().contains("between 0 and 1"), "{error}");
        }
    }
}
