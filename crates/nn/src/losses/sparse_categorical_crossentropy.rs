//! Cross-entropy of class probabilities against class numbers.

use super::categorical_crossentropy::{
    from_logits, from_probabilities, samples_from_logits, samples_from_probabilities,
};
use super::{Loss, Row, Sample, check_class_numbers};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// −ln output of the target's class, averaged. The output is `[n, …, classes]`, the target `[n, …]` or `[n, …, 1]`
/// with class numbers 0, 1, 2, … as floats. Otherwise as
/// [`CategoricalCrossentropy`](struct@super::CategoricalCrossentropy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparseCategoricalCrossentropy {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const SparseCategoricalCrossentropy: SparseCategoricalCrossentropy =
    SparseCategoricalCrossentropy {};

const NAME: &str = "sparse_categorical_crossentropy";

impl<E: Element> Loss<E> for SparseCategoricalCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        from_probabilities(output, &one_hot(output.shape(), target)?)
    }

    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        (activation == ActivationKind::Softmax)
            .then(|| from_logits(logits, &one_hot(logits.shape(), target)?))
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        samples_from_probabilities(output, &one_hot(output.shape(), target)?)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        (activation == ActivationKind::Softmax)
            .then(|| samples_from_logits(logits, &one_hot(logits.shape(), target)?))
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_class_numbers(NAME, output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }
}

/// The target as probabilities in the shape of the output.
fn one_hot<E: Element>(output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
    let shape = target.shape();
    let fits = |outer: &[usize]| shape == outer || matches!(shape, [rest @ .., 1] if rest == outer);
    let (outer, classes) = match output {
        [outer @ .., classes] if fits(outer) => (outer, *classes),
        _ => {
            let message = format!(
                "the output is {output:?}, the target {shape:?}; the target must have one class number where the output has a row of probabilities"
            );
            return Err(Error::loss(NAME, message));
        }
    };
    let mut labels = Vec::with_capacity(outer.iter().product());
    for (position, value) in target.to_vec().into_iter().enumerate() {
        let label = value.to_f64();
        // NaN fails the comparison with its own floor.
        if !(label == label.floor() && label >= 0.0 && label < classes as f64) {
            let message = format!(
                "target number {position} is {label}, which is no class: there are 0 to {}",
                classes - 1
            );
            return Err(Error::loss(NAME, message));
        }
        labels.push(label as usize);
    }
    Ok(Tensor::one_hot(&labels, classes)?.reshape(output)?)
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
            Sample {
                config: json!({}),
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
            let error = one_hot(&[2, 3], &target).unwrap_err().to_string();
            assert!(
                error.contains("number 1") && error.contains("0 to 2"),
                "{error}"
            );
        }
    }
}
