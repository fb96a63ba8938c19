//! Cross-entropy of independent yes/no probabilities.

use super::{Loss, Row, Sample, check_same, check_smoothing, clip, fit, means_of_samples, smooth};
use crate::{ActivationKind, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −(target · ln output + (1 − target) · ln(1 − output)), averaged over everything. Output and target have the same
/// shape; the output is clipped to [1e-7, 1 − 1e-7], as Keras does, unless it comes from a sigmoid: then the logits
/// are used.
///
/// `BinaryCrossentropy` as a value is the loss without label smoothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BinaryCrossentropy {
    /// How much of the target is pulled to one half, in [0, 1] (default: 0).
    pub label_smoothing: f64,
}

/// The loss without label smoothing.
#[allow(non_upper_case_globals)]
pub const BinaryCrossentropy: BinaryCrossentropy = BinaryCrossentropy {
    label_smoothing: 0.0,
};

const NAME: &str = "binary_crossentropy";

impl BinaryCrossentropy {
    fn target<E: Element>(&self, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
        Ok(smooth(
            &fit(NAME, output, target)?,
            self.label_smoothing,
            0.5,
        ))
    }

    /// target · ln output + (1 − target) · ln(1 − output), position by position.
    fn likelihood<E: Element>(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = self.target(output.shape(), target)?;
        let other_target = output.tape().constant(&target.neg().shift(E::one()));
        let target = output.tape().constant(&target);
        let yes = clip(output);
        let no = yes.neg().shift(E::one());
        Ok(target.mul(&yes.ln())?.add(&other_target.mul(&no.ln())?)?)
    }
}

impl<E: Element> Loss<E> for BinaryCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        Ok(self.likelihood(output, target)?.mean().neg())
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        Ok(means_of_samples(&self.likelihood(output, target)?)?.neg())
    }

    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let loss = || {
            let target = self.target(logits.shape(), target)?;
            Ok(logits.sigmoid_binary_cross_entropy(&target)?)
        };
        (activation == ActivationKind::Sigmoid).then(loss)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        // ln(1 + eᶻ) − target · z; the first as ln(e⁰ + eᶻ), which is stable and smooth at 0.
        let losses = || {
            let target = self.target(logits.shape(), target)?;
            let column = logits.reshape([logits.shape(), &[1]].concat())?;
            let zeros = logits.tape().constant(&Tensor::zeros(column.shape()));
            let last = logits.shape().len();
            let softplus = Var::concat(&[&zeros, &column], last)?.log_sum_exp(last, false)?;
            let gain = logits.tape().constant(&target).mul(logits)?;
            means_of_samples(&softplus.sub(&gain)?)
        };
        (activation == ActivationKind::Sigmoid).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "BinaryCrossentropy",
        name: NAME,
        about: "−(target · ln output + (1 − target) · ln(1 − output)), averaged over everything",
        file: file!(),
        from_config: |config| {
            let loss: BinaryCrossentropy = config::parse("BinaryCrossentropy", config)?;
            check_smoothing("BinaryCrossentropy", loss.label_smoothing)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            Sample {
                config: json!({"label_smoothing": sampler.one_of(&[0.0, 0.1])}),
                output: sampler.uniform(&shape, 0.05, 0.95),
                target: sampler.uniform(&shape, 0.0, 1.0),
                activation: Some(ActivationKind::Sigmoid),
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
        let expected = -(0.6f64.ln() + 0.7f64.ln()) / 2.0;
        close(
            value(
                &BinaryCrossentropy,
                (&[2, 1], &[0.6, 0.3]),
                (&[2, 1], &[1.0, 0.0]),
            ),
            expected,
        );
        let smoothed = BinaryCrossentropy {
            label_smoothing: 0.2,
        };
        let expected = -(0.9 * 0.6f64.ln() + 0.1 * 0.4f64.ln());
        close(value(&smoothed, (&[1], &[0.6]), (&[1], &[1.0])), expected);
        // Weights: (2 · −ln 0.6 + 0.25 · −ln 0.7) / 2.
        let (output, target) = (
            Tape::new().constant(&Tensor::from_slice([2, 1], &[0.6, 0.3]).unwrap()),
            Tensor::from_slice([2, 1], &[1.0, 0.0]).unwrap(),
        );
        let weights = Tensor::from_slice([2], &[2.0, 0.25]).unwrap();
        let weighted = BinaryCrossentropy.forward_weighted(&output, &target, &weights);
        close(
            weighted.unwrap().value().item().unwrap(),
            -(2.0 * 0.6f64.ln() + 0.25 * 0.7f64.ln()) / 2.0,
        );
        // A sure mistake costs −ln 1e-7, not infinity.
        close(
            value(&BinaryCrossentropy, (&[1], &[0.0]), (&[1], &[1.0])),
            -(1e-7f64).ln(),
        );
    }
}
