//! The share of samples whose class is predicted.

use super::{Metric, predicted, with_classes};
use crate::Result;
use taper_tensor::Tensor;

/// The share of samples whose predicted class is the true one. As Keras's `"accuracy"` it reads from the shapes whether
/// targets are one-hot (`[n, c]`), sparse (`[n]` of class numbers) or binary (`[n, 1]` against a probability, cut at 0.5).
/// Outputs that are maps ([n, h, w, c]) count the share of their positions.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Accuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// let labels = Tensor::from_vec([2], vec![1.0, 2.0])?;
/// assert_eq!(Accuracy.score(&output, &labels)?, 1.0); // one of the two
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn name(&self) -> String {
        "accuracy".into()
    }

    fn score(&self, output: &Tensor, target: &Tensor) -> Result<f64> {
        with_classes("accuracy", output, target, |batch, positions| {
            let mut right = 0_u64;
            batch.for_each(|scores, class| {
                let broken = scores.iter().any(|s| s.is_nan());
                right += u64::from(!broken && class == Some(predicted(scores)));
            });
            right as f64 / positions as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(
        output_shape: &[usize],
        output: &[f32],
        target_shape: &[usize],
        target: &[f32],
    ) -> f64 {
        let (o, t) = (
            Tensor::from_slice(output_shape, output),
            Tensor::from_slice(target_shape, target),
        );
        Accuracy.score(&o.unwrap(), &t.unwrap()).unwrap()
    }

    #[test]
    fn one_hot_sparse_and_binary_targets_are_read() {
        let output = [0.2, 0.8, 0.6, 0.4, 0.3, 0.7];
        assert_eq!(
            score(&[3, 2], &output, &[3, 2], &[0., 1., 0., 1., 0., 1.]),
            2.0
        );
        assert_eq!(score(&[3, 2], &output, &[3], &[1., 1., 1.]), 2.0);
        assert_eq!(
            score(&[4, 1], &[0.4, 0.5, 0.6, 0.9], &[4, 1], &[0., 0., 1., 0.]),
            3.0
        );
    }

    #[test]
    fn maps_count_the_share_of_their_positions() {
        // Two samples of two positions: all right, and half right.
        let output = [0.9, 0.1, 0.2, 0.8, 0.9, 0.1, 0.9, 0.1];
        assert_eq!(score(&[2, 2, 2], &output, &[2, 2], &[0., 1., 0., 1.]), 1.5);
    }
}
