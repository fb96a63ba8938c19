//! Cross-entropy of class probabilities against class numbers.

use super::categorical_crossentropy::{
    from_logits, from_probabilities, samples_from_logits, samples_from_probabilities,
};
use super::{Loss, Row, Sample, check_class_numbers};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −ln output of the target's class, averaged. The output is `[n, …, classes]`, the target `[n, …]` or `[n, …, 1]`
/// with class numbers 0, 1, 2, … as floats. Otherwise as
/// [`CategoricalCrossentropy`](struct@super::CategoricalCrossentropy).
///
/// `SparseCategoricalCrossentropy` as a value is the loss that ignores no class.
///
/// ```
/// use taper_nn::losses::{SparseCategoricalCrossentropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 2], vec![0.25, 0.75])?);
/// let loss = SparseCategoricalCrossentropy.forward(&output, &Tensor::from_vec([1], vec![1.0])?)?;
/// assert!((loss.value().item()? - (-(0.75f64.ln()))).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SparseCategoricalCrossentropy {
    /// A class number whose positions are left out of the mean, such as 255 for "unknown" in maps of classes; it need
    /// not be one of the output's (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_class: Option<i64>,
}

/// The loss that ignores no class.
#[allow(non_upper_case_globals)]
pub const SparseCategoricalCrossentropy: SparseCategoricalCrossentropy =
    SparseCategoricalCrossentropy { ignore_class: None };

impl SparseCategoricalCrossentropy {
    /// Leaves positions of this class out.
    #[must_use]
    pub fn ignore_class(mut self, class: i64) -> Self {
        self.ignore_class = Some(class);
        self
    }

    /// The target as probabilities, zeros where it is ignored.
    fn target<E: Element>(&self, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
        one_hot(NAME, output, target, self.ignore_class)
    }

    /// What makes the mean over all positions the mean over those that count; `None` where all do.
    fn share<E: Element>(&self, target: &Tensor<E>) -> Option<f64> {
        let ignored = self.ignore_class? as f64;
        let values = target.to_vec();
        let valid = values
            .iter()
            .filter(|value| (**value).to_f64() != ignored)
            .count();
        Some(valid as f64 / values.len().max(1) as f64)
    }

    /// Losses `[n]` whose mean is that over the positions that count.
    fn of_valid<E: Element>(&self, losses: Result<Var<E>>, target: &Tensor<E>) -> Result<Var<E>> {
        Ok(match self.share(target) {
            None => losses?,
            Some(0.0) => losses?,
            Some(share) => losses?.scale(E::from_f64(1.0 / share)),
        })
    }
}

const NAME: &str = "sparse_categorical_crossentropy";

impl<E: Element> Loss<E> for SparseCategoricalCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let loss = from_probabilities(output, &self.target(output.shape(), target)?);
        self.of_valid(loss, target)
    }

    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        (activation == ActivationKind::Softmax).then(|| {
            self.of_valid(
                from_logits(logits, &self.target(logits.shape(), target)?),
                target,
            )
        })
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let losses = samples_from_probabilities(output, &self.target(output.shape(), target)?);
        self.of_valid(losses, target)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        (activation == ActivationKind::Softmax).then(|| {
            self.of_valid(
                samples_from_logits(logits, &self.target(logits.shape(), target)?),
                target,
            )
        })
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_class_numbers(NAME, output, target)
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

    fn terms(&self, output: &Tensor<E>, target: &Tensor<E>) -> Result<f64> {
        let output = output.shape();
        let inner = output.get(1..output.len().max(1) - 1).unwrap_or_default();
        Ok(inner.iter().product::<usize>() as f64 * self.share(target).unwrap_or(1.0))
    }
}

/// The target as probabilities in the shape of the output; rows of zeros where it is to be ignored.
pub(super) fn one_hot<E: Element>(
    loss: &'static str,
    output: &[usize],
    target: &Tensor<E>,
    ignored: Option<i64>,
) -> Result<Tensor<E>> {
    let shape = target.shape();
    let fits = |outer: &[usize]| shape == outer || matches!(shape, [rest @ .., 1] if rest == outer);
    let (outer, classes) = match output {
        [outer @ .., classes] if fits(outer) => (outer, *classes),
        _ => {
            let message = format!(
                "the output is {output:?}, the target {shape:?}; the target must have one class number where the output has a row of probabilities"
            );
            return Err(Error::loss(loss, message));
        }
    };
    let mut rows = vec![E::zero(); outer.iter().product::<usize>() * classes];
    for (position, value) in target.to_vec().into_iter().enumerate() {
        let label = value.to_f64();
        if ignored.is_some_and(|ignored| label == ignored as f64) {
            continue;
        }
        // NaN fails the comparison with its own floor.
        if !(label == label.floor() && label >= 0.0 && label < classes as f64) {
            let message = format!(
                "target number {position} is {label}, which is no class: there are 0 to {}",
                classes - 1
            );
            return Err(Error::loss(loss, message));
        }
        rows[position * classes + label as usize] = E::one();
    }
    Ok(Tensor::from_vec(output, rows)?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SparseCategoricalCrossentropy",
        name: NAME,
        about: "−ln output of the target's class, averaged; targets are class numbers",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<SparseCategoricalCrossentropy>(
                "SparseCategoricalCrossentropy",
                config,
            )?))
        },
        sample: |sampler| {
            let outer = sampler.shape(1, 2, 4);
            let classes = sampler.integer(2, 5);
            let output = sampler.positive(&[outer.as_slice(), &[classes]].concat());
            let shape = if sampler.coin() {
                [outer.as_slice(), &[1]].concat()
            } else {
                outer
            };
            let target = Tensor::from_fn(shape, |_| sampler.integer(0, classes - 1) as f64);
            let config = match sampler.coin() {
                true => json!({}),
                false => json!({"ignore_class": 0}),
            };
            Sample {
                config,
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
    use taper_autograd::Tape;

    #[test]
    fn values() {
        let output = (&[2, 3][..], &[0.05, 0.95, 0.0, 0.1, 0.8, 0.1][..]);
        let expected = -(0.95f64.ln() + 0.1f64.ln()) / 2.0;
        close(
            value(&SparseCategoricalCrossentropy, output, (&[2], &[1.0, 2.0])),
            expected,
        );
        close(
            value(
                &SparseCategoricalCrossentropy,
                output,
                (&[2, 1], &[1.0, 2.0]),
            ),
            expected,
        );
        let on_tape = Tape::new().constant(&Tensor::from_slice(output.0, output.1).unwrap());
        let weighted = SparseCategoricalCrossentropy.forward_weighted(
            &on_tape,
            &Tensor::from_slice([2], &[1.0, 2.0]).unwrap(),
            &Tensor::from_slice([2], &[0.5, 3.0]).unwrap(),
        );
        close(
            weighted.unwrap().value().item().unwrap(),
            -(0.5 * 0.95f64.ln() + 3.0 * 0.1f64.ln()) / 2.0,
        );
    }

    #[test]
    fn what_is_no_class_is_refused() {
        for wrong in [3.0, -1.0, 0.5, f64::NAN] {
            let target = Tensor::from_slice([2], &[0.0, wrong]).unwrap();
            let error = one_hot(NAME, &[2, 3], &target, None)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("number 1") && error.contains("0 to 2"),
                "{error}"
            );
        }
    }
}
