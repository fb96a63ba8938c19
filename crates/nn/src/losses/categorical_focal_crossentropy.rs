//! Cross-entropy of class probabilities that counts what is sure already less.

use super::categorical_crossentropy::probabilities;
use super::{
    Loss, Row, Sample, check_same, check_smoothing, fit, last_axis, means_of_samples, smooth,
    sum_of_rows,
};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor, setting};

/// −α · Σ (1 − p)^γ · target · ln p along the last axis, averaged over the other positions; p is the output divided by its
/// sum and clipped to [1e-7, 1 − 1e-7], or the softmax of the logits (Lin et al. 2018, Focal Loss for Dense Object
/// Detection). Output and one-hot target are `[n, …, classes]`. (Where Keras takes a list of α, weights of classes do
/// the same.)
///
/// ```
/// use taper_nn::losses::{CategoricalFocalCrossentropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::from_vec([1, 2], vec![0.75, 0.25])?);
/// let loss = CategoricalFocalCrossentropy.forward(&output, &Tensor::one_hot(&[0], 2)?)?;
/// assert!((loss.value().item()? - 0.25 * 0.0625 * -(0.75f32.ln())).abs() < 1e-7);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CategoricalFocalCrossentropy {
    /// What all classes count, at least 0 (default: 0.25).
    pub alpha: f64,
    /// How much less a sure output counts, at least 0 (default: 2).
    pub gamma: f64,
    /// How much of the target is spread over all classes, in [0, 1] (default: 0).
    pub label_smoothing: f64,
}

/// The loss with Keras's defaults.
#[allow(non_upper_case_globals)]
pub const CategoricalFocalCrossentropy: CategoricalFocalCrossentropy =
    CategoricalFocalCrossentropy {
        alpha: 0.25,
        gamma: 2.0,
        label_smoothing: 0.0,
    };

const NAME: &str = "categorical_focal_crossentropy";

impl Default for CategoricalFocalCrossentropy {
    fn default() -> Self {
        CategoricalFocalCrossentropy
    }
}

impl CategoricalFocalCrossentropy {
    /// How much less a sure output counts.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }

    fn target<E: Element>(&self, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
        let target = fit(NAME, output, target)?;
        let classes = output.last().copied().unwrap_or(1).max(1);
        Ok(smooth(&target, self.label_smoothing, 1.0 / classes as f64))
    }

    /// Of probabilities and their logarithms.
    fn losses<E: Element>(
        &self,
        output: &Var<E>,
        logarithm: &Var<E>,
        target: &Tensor<E>,
    ) -> Result<Var<E>> {
        let target = output
            .tape()
            .constant(&target.scale(E::from_f64(-self.alpha)));
        let miss = output.neg().shift(E::one()).clip(E::zero(), E::infinity());
        let factor = miss.powf(E::from_f64(self.gamma)).mul(&target)?;
        means_of_samples(&sum_of_rows(NAME, &factor.mul(logarithm)?)?)
    }
}

impl<E: Element> Loss<E> for CategoricalFocalCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = self.target(output.shape(), target)?;
        let output = probabilities(NAME, output)?;
        self.losses(&output, &output.ln(), &target)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = || {
            let target = self.target(logits.shape(), target)?;
            let axis = last_axis(NAME, logits.shape())?;
            // An impossible class without a target costs nothing: 0 · −∞ would be NaN.
            let least = E::from_f64(-1e30);
            let logarithm = logits.log_softmax(axis)?.clip(least, E::zero());
            self.losses(&logarithm.exp(), &logarithm, &target)
        };
        (activation == ActivationKind::Softmax).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }

    fn activation_of_logits(&self) -> Option<ActivationKind> {
        Some(ActivationKind::Softmax)
    }

    fn compares_rows(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        let checked = setting::not_negative("alpha", self.alpha)
            .and_then(|()| setting::not_negative("gamma", self.gamma));
        checked.map_err(|fault| Error::Config(format!("CategoricalFocalCrossentropy: {fault}")))?;
        check_smoothing("CategoricalFocalCrossentropy", self.label_smoothing)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CategoricalFocalCrossentropy",
        name: NAME,
        about: "−α · Σ (1 − p)^γ · target · ln p along the last axis; targets are one-hot",
        file: file!(),
        from_config: |config| {
            let loss: CategoricalFocalCrossentropy =
                config::parse("CategoricalFocalCrossentropy", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = [sampler.shape(1, 2, 4), vec![sampler.integer(2, 5)]].concat();
            Sample {
                config: json!({
                    "alpha": 0.25,
                    "gamma": sampler.one_of(&[0.5, 2.0]),
                    "label_smoothing": sampler.one_of(&[0.0, 0.1]),
                }),
                output: sampler.positive(&shape),
                target: sampler.uniform(&shape, 0.1, 1.0),
                activation: Some(ActivationKind::Softmax),
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;
    use taper_autograd::Tape;

    #[test]
    fn values() {
        let output = (&[2, 3][..], &[0.05, 0.95, 0.0, 0.1, 0.8, 0.1][..]);
        let target = (&[2, 3][..], &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0][..]);
        let wanted = -0.25 * (0.05f64.powi(2) * 0.95f64.ln() + 0.81 * 0.1f64.ln()) / 2.0;
        close(value(&CategoricalFocalCrossentropy, output, target), wanted);
    }

    #[test]
    fn impossible_classes_without_a_target_cost_nothing() {
        let x = Tape::new()
            .parameter(&Tensor::from_slice([1, 3], &[0.0, f64::NEG_INFINITY, 0.0]).unwrap());
        let target = Tensor::from_slice([1, 3], &[1.0, 0.0, 0.0]).unwrap();
        let loss = CategoricalFocalCrossentropy.from_logits(&x, &target, ActivationKind::Softmax);
        let loss = loss.unwrap().unwrap();
        close(loss.value().item().unwrap(), 0.25 * 0.25 * 2f64.ln());
        let gradient = loss.backward().unwrap()[&x].to_vec();
        assert!(
            gradient.iter().all(|g| g.is_finite()) && gradient[1] == 0.0,
            "{gradient:?}"
        );
    }
}
