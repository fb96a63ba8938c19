//! Cross-entropy of independent yes/no probabilities.

use super::{Loss, Row, Sample, check_same, check_smoothing, clip, fit, means_of_samples, smooth};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −(target · ln output + (1 − target) · ln(1 − output)), averaged over everything. Output and target have the same
/// shape; the output is clipped to [1e-7, 1 − 1e-7], as Keras does, unless it comes from a sigmoid: then the logits
/// are used, which is exact for all of them, ±∞ included: 0 where they are right, ∞ where they are wrong.
///
/// Labels are probabilities: one outside of [0, 1], or NaN, is an error that names its sample (also for −1 and 1, which
/// some data sets have for no and yes).
///
/// `BinaryCrossentropy` as a value is the loss without label smoothing.
///
/// ```
/// use taper_nn::losses::{BinaryCrossentropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([2, 1], vec![0.5, 0.5])?);
/// let loss = BinaryCrossentropy.forward(&output, &Tensor::from_vec([2, 1], vec![1.0, 0.0])?)?;
/// assert!((loss.value().item()? - 2f64.ln()).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
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
        let target = fit(NAME, output, target)?;
        check_labels(NAME, &target)?;
        Ok(smooth(&target, self.label_smoothing, 0.5))
    }

    /// −(target · ln output + (1 − target) · ln(1 − output)), position by position.
    fn costs<E: Element>(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = self.target(output.shape(), target)?;
        // Negative already, so that a loss of nothing is 0 and not −0.
        let other_target = output.tape().constant(&target.shift(-E::one()));
        let target = output.tape().constant(&target.neg());
        let yes = clip(output);
        let no = yes.neg().shift(E::one());
        Ok(target.mul(&yes.ln())?.add(&other_target.mul(&no.ln())?)?)
    }
}

/// Every label is a probability.
pub(super) fn check_labels<E: Element>(loss: &'static str, target: &Tensor<E>) -> Result<()> {
    let packed = target.contiguous();
    let values = packed.as_slice().unwrap_or_default();
    let is_label = |label: &E| (E::zero()..=E::one()).contains(label);
    let Some(position) = values.iter().position(|label| !is_label(label)) else {
        return Ok(());
    };
    let (label, of_sample) = (
        values[position],
        target.len() / target.shape().first().copied().unwrap_or(1),
    );
    let mut place = format!("sample {} of the batch", position / of_sample);
    if of_sample > 1 {
        place.push_str(&format!(", value {}", position % of_sample));
    }
    let message = format!("the label of {place} is {label}, which is not in [0, 1]");
    Err(Error::loss(loss, message))
}

impl<E: Element> Loss<E> for BinaryCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        Ok(self.costs(output, target)?.mean())
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        means_of_samples(&self.costs(output, target)?)
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
        let losses = || {
            let target = self.target(logits.shape(), target)?;
            means_of_samples(&logits.sigmoid_binary_cross_entropies(&target)?)
        };
        (activation == ActivationKind::Sigmoid).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }

    fn activation_of_logits(&self) -> Option<ActivationKind> {
        Some(ActivationKind::Sigmoid)
    }

    fn compares_rows(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        check_smoothing("BinaryCrossentropy", self.label_smoothing)
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
            Loss::<E>::check(&loss)?;
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

    /// The loss of one logit a sample, whole and sample by sample, with the gradients.
    fn of_logits(logits: &[f32], target: &[f32]) -> [(Vec<f32>, Vec<f32>); 2] {
        let n = logits.len();
        let target = Tensor::from_slice([n, 1], target).unwrap();
        [false, true].map(|each| {
            let x = Tape::new().parameter(&Tensor::from_slice([n, 1], logits).unwrap());
            let loss = match each {
                false => BinaryCrossentropy.from_logits(&x, &target, ActivationKind::Sigmoid),
                true => {
                    BinaryCrossentropy.per_sample_from_logits(&x, &target, ActivationKind::Sigmoid)
                }
            };
            let loss = loss.unwrap().unwrap();
            let gradient = loss.sum().backward().unwrap()[&x].to_vec();
            (loss.value().to_vec(), gradient)
        })
    }

    #[test]
    fn infinite_logits_cost_nothing_or_everything() {
        let inf = f32::INFINITY;
        for (logit, label, loss, slope) in [
            (inf, 1.0, 0.0, 0.0),
            (-inf, 0.0, 0.0, 0.0),
            (inf, 0.0, inf, 1.0),
            (-inf, 1.0, inf, -1.0),
            (inf, 0.5, inf, 0.5),
        ] {
            for (value, gradient) in of_logits(&[logit], &[label]) {
                assert_eq!(
                    (value[0], gradient[0]),
                    (loss, slope),
                    "{logit} for {label}"
                );
                assert!(value[0].is_sign_positive(), "{logit} for {label}");
            }
        }
        // A small loss keeps its digits on both ways.
        for (value, _) in of_logits(&[30.0], &[1.0]) {
            assert!((value[0] / (-30f32).exp() - 1.0).abs() <= 1e-6, "{value:?}");
        }
    }

    #[test]
    fn labels_outside_of_the_interval_are_refused_by_name() {
        for wrong in [-1.0, 1.5, 255.0, f64::NAN, f64::INFINITY, -1e-9] {
            let target = Tensor::from_slice([3, 2], &[0.0, 1.0, 0.5, 1.0, 0.0, wrong]).unwrap();
            let x = Tape::new().constant(&Tensor::<f64>::full([3, 2], 0.5));
            let refused = [
                BinaryCrossentropy.forward(&x, &target),
                BinaryCrossentropy.per_sample(&x, &target),
                BinaryCrossentropy.forward_weighted(&x, &target, &Tensor::ones([3])),
                BinaryCrossentropy
                    .from_logits(&x, &target, ActivationKind::Sigmoid)
                    .unwrap(),
                BinaryCrossentropy
                    .per_sample_from_logits(&x, &target, ActivationKind::Sigmoid)
                    .unwrap(),
            ];
            for result in refused {
                let error = result.unwrap_err().to_string();
                for part in ["sample 2", "value 1", &wrong.to_string(), "[0, 1]"] {
                    assert!(error.contains(part), "{error}");
                }
            }
        }
        // One label a sample needs no second number; views are read in their order.
        let (x, column) = (
            Tape::new().constant(&Tensor::<f64>::zeros([2, 1])),
            Tensor::from_slice([1, 2], &[0.0, 7.0]).unwrap().transpose(),
        );
        let error = BinaryCrossentropy
            .forward(&x, &column)
            .unwrap_err()
            .to_string();
        assert!(error.contains("sample 1 of the batch is 7"), "{error}");
    }
}
