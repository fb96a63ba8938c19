//! The share of samples whose class is among the k most probable.

use super::{Metric, Row, Sample, parse, weights_of};
use crate::{
    Mode, Result,
    labels::{add_shares, check_classes, share},
    prediction::among_best,
    setting,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// The share of samples whose true class has one of the `k` highest scores; as in TensorFlow's `in_top_k`, classes of the
/// same score count together (fewer than `k` must be strictly higher:
/// [`among_best`]); a row with a NaN is wrong. Named `top_5_accuracy` for `k` = 5.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, TopKAccuracy};
/// let output = Tensor::from_vec([1, 3], vec![0.5, 0.3, 0.2])?;
/// let label = Tensor::from_vec([1], vec![1.0])?;
/// assert_eq!(TopKAccuracy::new(1).measure(&output, &label)?, 0.0);
/// assert_eq!(TopKAccuracy::new(2).measure(&output, &label)?, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

impl TopKAccuracy {
    fn check(&self) -> Result<()> {
        let checked = setting::between("k", self.k, [1, usize::MAX]);
        checked.map_err(|fault| setting::of("TopKAccuracy", fault))
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

    fn config(&self) -> Value {
        json!({"k": self.k})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// The right ones, and all.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        self.check()?;
        check_classes(&self.name(), output, target).map(|()| 2)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let name = self.name();
        let weights = weights_of(&name, output, sample_weights)?;
        add_shares(sums, &name, (output, target), weights, |scores, class| {
            class.is_some_and(|c| among_best(scores, c, self.k))
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "TopKAccuracy",
        name: "top_5_accuracy",
        about: "the share of samples whose true class has one of the k highest scores",
        file: file!(),
        from_config: |config: &Value| {
            let metric: TopKAccuracy = parse("TopKAccuracy", config)?;
            metric.check()?;
            Ok(Box::new(metric))
        },
        by_name: |name| {
            let k = name.strip_prefix("top_")?.strip_suffix("_accuracy")?;
            let k = k.parse().ok().filter(|&k| k > 0)?;
            Some(Box::new(TopKAccuracy::new(k)))
        },
        sample: || Sample {
            config: json!({"k": 2}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3], |i| [2.0, 1.0, 1.0][i]),
            value: 2.0 / 3.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_together() {
        assert!(among_best(&[0.4, 0.4, 0.2], 1, 1));
        assert!(!among_best(&[0.4, 0.4, 0.2], 2, 2));
        assert!(among_best(&[0.4, 0.4, 0.2], 2, 3));
    }

    #[test]
    fn a_single_probability_is_two_classes() {
        assert!(among_best(&[0.7], 1, 1) && !among_best(&[0.7], 0, 1));
        assert!(among_best(&[0.7], 0, 2));
    }

    #[test]
    fn broken_scores_are_never_right_and_k_is_at_least_1() {
        let nan = Tensor::from_slice([1, 3], &[0.0, f32::NAN, 0.0]).unwrap();
        let label = Tensor::from_slice([1], &[1.0]).unwrap();
        assert_eq!(TopKAccuracy::new(2).measure(&nan, &label).unwrap(), 0.0);
        assert!(super::super::from_config("TopKAccuracy", &json!({"k": 0})).is_err());
        let third = super::super::by_name("top_3_accuracy").unwrap();
        assert_eq!(third.name(), "top_3_accuracy");
    }
}
