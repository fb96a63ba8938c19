//! The share of samples whose class is predicted.

use super::{Metric, Row, Sample, parse, weights_of};
use crate::{
    Mode, Result,
    labels::{add_shares, check_classes, share},
    prediction::predicted,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// The share of samples whose predicted class is the true one. As Keras's `"accuracy"` it reads from the shapes whether
/// targets are one-hot (`[n, c]`), sparse (`[n]` of class numbers) or binary (`[n, 1]` against a probability, cut at 0.5).
/// Outputs that are maps ([n, h, w, c]) count the share of their positions. What is predicted, of ties and of what is
/// not a number, is told by [`prediction`](crate::prediction); no prediction is wrong.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Accuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// let labels = Tensor::from_vec([2], vec![1.0, 2.0])?;
/// assert_eq!(Accuracy.measure(&output, &labels)?, 0.5); // one of the two
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy;

const NAME: &str = "accuracy";

impl Metric for Accuracy {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// The right ones, and all.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        check_classes(NAME, output, target).map(|()| 2)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let weights = weights_of(NAME, output, sample_weights)?;
        add_shares(sums, NAME, (output, target), weights, |scores, class| {
            class.is_some() && class == predicted(scores)
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

/// No settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

pub(super) fn row() -> Row {
    Row {
        class_name: "Accuracy",
        name: NAME,
        about: "the share of samples whose predicted class is the true one",
        file: file!(),
        from_config: |config: &Value| {
            parse::<Config>("Accuracy", config)?;
            Ok(Box::new(Accuracy))
        },
        by_name: |name| (name == NAME).then(|| Box::new(Accuracy) as _),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([4, 2], |i| [0.9, 0.1, 0.2, 0.8, 0.6, 0.4, 0.3, 0.7][i]),
            target: Tensor::from_fn([4], |i| [0.0, 0.0, 0.0, 1.0][i]),
            value: 0.75,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(
        output_shape: &[usize],
        output: &[f32],
        target_shape: &[usize],
        target: &[f32],
    ) -> f64 {
        let (o, t) = (
            Tensor::from_slice(output_shape, output),
            Tensor::from_slice(target_shape, target),
        );
        Accuracy.measure(&o.unwrap(), &t.unwrap()).unwrap()
    }

    #[test]
    fn one_hot_sparse_and_binary_targets_are_read() {
        let output = [0.2, 0.8, 0.6, 0.4, 0.3, 0.7];
        let one_hot = measure(&[3, 2], &output, &[3, 2], &[0., 1., 0., 1., 0., 1.]);
        assert_eq!(one_hot, 2.0 / 3.0);
        assert_eq!(measure(&[3, 2], &output, &[3], &[1., 1., 1.]), 2.0 / 3.0);
        let binary = measure(&[4, 1], &[0.4, 0.5, 0.6, 0.9], &[4, 1], &[0., 0., 1., 0.]);
        assert_eq!(binary, 0.75);
    }

    #[test]
    fn maps_count_the_share_of_their_positions() {
        // Two samples of two positions: all right, and half right.
        let output = [0.9, 0.1, 0.2, 0.8, 0.9, 0.1, 0.9, 0.1];
        let share = measure(&[2, 2, 2], &output, &[2, 2], &[0., 1., 0., 1.]);
        assert_eq!(share, 0.75);
    }

    #[test]
    fn broken_outputs_are_never_right() {
        assert_eq!(measure(&[1, 3], &[0.0, f32::NAN, 0.0], &[1], &[0.0]), 0.0);
        assert_eq!(measure(&[1, 3], &[0.0, f32::NAN, 0.0], &[1], &[1.0]), 0.0);
    }
}
