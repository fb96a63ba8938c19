//! Cross-entropy of class probabilities against one-hot (or soft) targets.

use super::{
    Loss, Row, Sample, check_same, check_smoothing, clip, fit, last_axis, means_of_samples, smooth,
    sum_of_rows,
};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −Σ target · ln output along the last axis, averaged. Output and target are `[n, …, classes]`; the output is first
/// divided by its sum and clipped to [1e-7, 1 − 1e-7], as Keras does, unless it comes from a softmax: then the
/// logits are used. A row of zeros has no sum to be divided by (Keras: NaN): each of its classes is as improbable as can
/// be, 1e-7. A row without a target costs nothing.
///
/// `CategoricalCrossentropy` as a value is the loss without label smoothing.
///
/// ```
/// use taper_nn::losses::{CategoricalCrossentropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 2], vec![0.25, 0.75])?);
/// let loss = CategoricalCrossentropy.forward(&output, &Tensor::from_vec([1, 2], vec![0.0, 1.0])?)?;
/// assert!((loss.value().item()? - (-(0.75f64.ln()))).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CategoricalCrossentropy {
    /// How much of the target is spread over all classes, in [0, 1] (default: 0).
    pub label_smoothing: f64,
}

/// The loss without label smoothing.
#[allow(non_upper_case_globals)]
pub const CategoricalCrossentropy: CategoricalCrossentropy = CategoricalCrossentropy {
    label_smoothing: 0.0,
};

impl CategoricalCrossentropy {
    pub(super) const NAME: &'static str = "categorical_crossentropy";

    fn target<E: Element>(&self, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
        let target = fit(Self::NAME, output, target)?;
        let classes = output.last().copied().unwrap_or(1).max(1);
        Ok(smooth(&target, self.label_smoothing, 1.0 / classes as f64))
    }
}

impl<E: Element> Loss<E> for CategoricalCrossentropy {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        from_probabilities(output, &self.target(output.shape(), target)?)
    }

    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let loss = || from_logits(logits, &self.target(logits.shape(), target)?);
        (activation == ActivationKind::Softmax).then(loss)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        samples_from_probabilities(output, &self.target(output.shape(), target)?)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = || samples_from_logits(logits, &self.target(logits.shape(), target)?);
        (activation == ActivationKind::Softmax).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(Self::NAME, output, target)
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
        check_smoothing("CategoricalCrossentropy", self.label_smoothing)
    }
}

/// The loss of probabilities whose sum may be other than 1, against a target of the same shape.
pub(super) fn from_probabilities<E: Element>(
    output: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    Ok(costs(output, target)?.mean())
}

/// The same for each sample, `[n]`.
pub(super) fn samples_from_probabilities<E: Element>(
    output: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    means_of_samples(&costs(output, target)?)
}

/// −Σ target · ln output, row by row.
fn costs<E: Element>(output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
    let name = CategoricalCrossentropy::NAME;
    let logarithm = probabilities(name, output)?.ln();
    // Negative already, so that a loss of nothing is 0 and not −0.
    let target = output.tape().constant(&target.neg());
    sum_of_rows(name, &target.mul(&logarithm)?)
}

/// Rows divided by their sums and clipped to [1e-7, 1 − 1e-7]; rows of zeros stay.
pub(super) fn probabilities<E: Element>(loss: &'static str, output: &Var<E>) -> Result<Var<E>> {
    let axis = last_axis(loss, output.shape())?;
    let mut sums = output.sum_axes(&[axis], true)?;
    let empty = sums
        .value()
        .map(|sum| if sum.is_zero() { E::one() } else { E::zero() });
    if !empty.sum().item()?.is_zero() {
        sums = sums.add(&output.tape().constant(&empty))?;
    }
    Ok(clip(&output.div(&sums)?))
}

/// The same from logits by the log-sum-exp.
pub(super) fn from_logits<E: Element>(logits: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
    let [outer @ .., classes] = logits.shape() else {
        let message = "logits [n, …, classes] are wanted, this is a single number";
        return Err(Error::loss(CategoricalCrossentropy::NAME, message));
    };
    if outer.len() == 1 {
        return Ok(logits.softmax_cross_entropy(target)?);
    }
    let rows = [outer.iter().product::<usize>(), *classes];
    Ok(logits
        .reshape(rows)?
        .softmax_cross_entropy(&target.reshape(rows)?)?)
}

/// The loss of each sample from logits, `[n]`.
pub(super) fn samples_from_logits<E: Element>(
    logits: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    if logits.shape().len() < 2 {
        let message = "logits [n, …, classes] are wanted";
        return Err(Error::loss(CategoricalCrossentropy::NAME, message));
    }
    means_of_samples(&logits.softmax_cross_entropies(target)?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CategoricalCrossentropy",
        name: CategoricalCrossentropy::NAME,
        about: "−Σ target · ln output along the last axis, averaged; targets are one-hot",
        file: file!(),
        from_config: |config| {
            let loss: CategoricalCrossentropy = config::parse("CategoricalCrossentropy", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = [sampler.shape(1, 2, 4), vec![sampler.integer(2, 5)]].concat();
            let target = sampler.uniform(&shape, 0.1, 1.0);
            // The joint form is the same loss only for targets that are distributions.
            let sums = target
                .sum_axes(&[shape.len() - 1], true)
                .expect("the last axis exists");
            Sample {
                config: json!({"label_smoothing": sampler.one_of(&[0.0, 0.1])}),
                output: sampler.positive(&shape),
                target: target
                    .div(&sums)
                    .expect("sums broadcast along the last axis"),
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
        let target = (&[2, 3][..], &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0][..]);
        let output = (&[2, 3][..], &[0.05, 0.95, 0.0, 0.1, 0.8, 0.1][..]);
        close(
            value(&CategoricalCrossentropy, output, target),
            -(0.95f64.ln() + 0.1f64.ln()) / 2.0,
        );
        // Twice the probabilities are the same probabilities.
        let doubled = (&[2, 3][..], &[0.1, 1.9, 0.0, 0.2, 1.6, 0.2][..]);
        close(
            value(&CategoricalCrossentropy, doubled, target),
            -(0.95f64.ln() + 0.1f64.ln()) / 2.0,
        );
        // Weights count samples; the sum is divided by their number.
        let on_tape = Tape::new().constant(&Tensor::from_slice(output.0, output.1).unwrap());
        let weighted = CategoricalCrossentropy.forward_weighted(
            &on_tape,
            &Tensor::from_slice(target.0, target.1).unwrap(),
            &Tensor::from_slice([2], &[0.5, 3.0]).unwrap(),
        );
        close(
            weighted.unwrap().value().item().unwrap(),
            -(0.5 * 0.95f64.ln() + 3.0 * 0.1f64.ln()) / 2.0,
        );
        // A sure mistake costs −ln 1e-7, not infinity.
        let wrong = (&[1, 2][..], &[1.0, 0.0][..]);
        close(
            value(&CategoricalCrossentropy, wrong, (&[1, 2], &[0.0, 1.0])),
            -(1e-7f64).ln(),
        );
    }

    #[test]
    fn smoothing_spreads_the_target_over_all_classes() {
        let loss = CategoricalCrossentropy {
            label_smoothing: 0.2,
        };
        let expected = -(0.9 * 0.7f64.ln() + 0.1 * 0.3f64.ln());
        close(
            value(&loss, (&[1, 2], &[0.7, 0.3]), (&[1, 2], &[1.0, 0.0])),
            expected,
        );
    }

    #[test]
    fn logits_of_any_size_have_a_finite_loss() {
        let logits =
            Tape::new().constant(&Tensor::<f32>::from_slice([1, 2], &[-1000.0, 1000.0]).unwrap());
        let target = Tensor::from_slice([1, 2], &[1.0, 0.0]).unwrap();
        let loss = CategoricalCrossentropy
            .from_logits(&logits, &target, ActivationKind::Softmax)
            .unwrap()
            .unwrap();
        assert_eq!(loss.value().item().unwrap(), 2000.0);
    }

    /// Zeros in every place, categorical and sparse, from probabilities and logits, whole and sample by sample.
    #[test]
    fn rows_of_zeros_have_finite_losses_and_gradients() {
        use super::super::SparseCategoricalCrossentropy;
        type Run = fn(&Var<f64>, &Tensor<f64>) -> Result<Var<f64>>;
        let softmax = ActivationKind::Softmax;
        let of_zeros = |runs: [Run; 2], target: Tensor<f64>, wanted: f64, slopes: [f64; 3]| {
            for run in runs {
                let x = Tape::new().parameter(&Tensor::zeros([1, 3]));
                let loss = run(&x, &target).unwrap();
                let value = loss.value().to_vec()[0];
                close(value, wanted);
                assert!(value.is_sign_positive(), "{value}");
                let gradient = loss.sum().backward().unwrap()[&x].to_vec();
                gradient.iter().zip(slopes).for_each(|(a, b)| close(*a, b));
            }
        };
        let probabilities: [Run; 2] = [
            |x, t| CategoricalCrossentropy.forward(x, t),
            |x, t| CategoricalCrossentropy.per_sample(x, t),
        ];
        let logits: [Run; 2] = [
            |x, t| {
                CategoricalCrossentropy
                    .from_logits(x, t, ActivationKind::Softmax)
                    .unwrap()
            },
            |x, t| {
                let loss = CategoricalCrossentropy;
                loss.per_sample_from_logits(x, t, ActivationKind::Softmax)
                    .unwrap()
            },
        ];
        let one_hot = Tensor::from_slice([1, 3], &[0.0, 1.0, 0.0]).unwrap();
        let (improbable, third) = (-(1e-7f64).ln(), 1.0 / 3.0);
        of_zeros(probabilities, one_hot.clone(), improbable, [0.0; 3]);
        of_zeros(probabilities, Tensor::zeros([1, 3]), 0.0, [0.0; 3]);
        of_zeros(logits, one_hot, 3f64.ln(), [third, -2.0 * third, third]);
        of_zeros(logits, Tensor::zeros([1, 3]), 0.0, [0.0; 3]);
        // One row of zeros leaves the others alone.
        let output = (&[2, 2][..], &[0.0, 0.0, 0.25, 0.75][..]);
        let target = (&[2, 2][..], &[1.0, 0.0, 0.0, 1.0][..]);
        let wanted = (improbable - 0.75f64.ln()) / 2.0;
        close(value(&CategoricalCrossentropy, output, target), wanted);
        let sparse = value(&SparseCategoricalCrossentropy, output, (&[2], &[0.0, 1.0]));
        close(sparse, wanted);
        let x = Tape::new().constant(&Tensor::<f64>::zeros([1, 3]));
        let sparse = SparseCategoricalCrossentropy.from_logits(&x, &Tensor::ones([1]), softmax);
        close(sparse.unwrap().unwrap().value().item().unwrap(), 3f64.ln());
    }

    /// A class that is masked out by −∞ and has no share in the target costs nothing, weighted or not.
    #[test]
    fn impossible_classes_without_a_target_cost_nothing() {
        let logits = Tensor::from_slice([1, 3], &[0.0, f64::NEG_INFINITY, 0.0]).unwrap();
        let target = Tensor::from_slice([1, 3], &[1.0, 0.0, 0.0]).unwrap();
        let (softmax, loss) = (ActivationKind::Softmax, CategoricalCrossentropy);
        for weighted in [false, true] {
            let x = Tape::new().parameter(&logits);
            let value = match weighted {
                false => loss.from_logits(&x, &target, softmax),
                true => loss.from_logits_weighted(&x, &target, &Tensor::ones([1]), softmax),
            };
            let value = value.unwrap().unwrap();
            close(value.value().item().unwrap(), 2f64.ln());
            assert_eq!(value.backward().unwrap()[&x].to_vec(), [-0.5, 0.0, 0.5]);
        }
    }
}
