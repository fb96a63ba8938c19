//! The share of samples whose class is among the k most probable.

use super::{Metric, with_classes};
use crate::Result;
use taper_tensor::Tensor;

/// The share of samples whose true class has one of the `k` highest scores; as in TensorFlow's `in_top_k`, classes of the
/// same score count together (fewer than `k` must be strictly higher). Named `top_5_accuracy` for `k` = 5.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, TopKAccuracy};
/// let output = Tensor::from_vec([1, 3], vec![0.5, 0.3, 0.2])?;
/// let label = Tensor::from_vec([1], vec![1.0])?;
/// assert_eq!(TopKAccuracy::new(1).score(&output, &label)?, 0.0);
/// assert_eq!(TopKAccuracy::new(2).score(&output, &label)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TopKAccuracy {
    k: usize,
}

impl TopKAccuracy {
    /// Among the `k` highest scores.
    #[must_use]
    pub fn new(k: usize) -> Self {
        TopKAccuracy { k }
    }
}

impl Default for TopKAccuracy {
    /// Keras's default: 5.
    fn default() -> Self {
        TopKAccuracy::new(5)
    }
}

impl Metric for TopKAccuracy {
    fn name(&self) -> String {
        format!("top_{}_accuracy", self.k)
    }

    fn score(&self, output: &Tensor, target: &Tensor) -> Result<f64> {
        with_classes(&self.name(), output, target, |batch, positions| {
            let mut right = 0_u64;
            batch.for_each(|scores, class| {
                right += u64::from(class.is_some_and(|c| in_top(scores, c, self.k)))
            });
            right as f64 / positions as f64
        })
    }
}

fn in_top(scores: &[f32], class: usize, k: usize) -> bool {
    let score = match scores {
        // A single probability stands for two classes.
        [p] if class == 0 => return in_top(&[1.0 - p, *p], 0, k),
        [p] => return in_top(&[1.0 - p, *p], 1, k),
        _ => scores[class],
    };
    score.is_finite() && scores.iter().filter(|s| s.is_nan() || **s > score).count() < k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_together() {
        assert!(in_top(&[0.4, 0.4, 0.2], 1, 1));
        assert!(!in_top(&[0.4, 0.4, 0.2], 2, 2));
        assert!(in_top(&[0.4, 0.4, 0.2], 2, 3));
    }

    #[test]
    fn a_single_probability_is_two_classes() {
        assert!(in_top(&[0.7], 1, 1) && !in_top(&[0.7], 0, 1));
        assert!(in_top(&[0.7], 0, 2));
    }
}
