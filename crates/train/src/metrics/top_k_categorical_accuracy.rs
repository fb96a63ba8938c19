//! The share of samples whose class is among the k most probable, for one-hot targets.

use super::{ClassesAre, Metric, Row, Sample, check_which, named, parse, weights_of};
use crate::{
    Mode, Result,
    labels::{add_shares, share},
    prediction::among_best,
    setting,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// [`TopKAccuracy`](crate::TopKAccuracy) under Keras's name, for one-hot targets: the share of samples whose class has one
/// of the `k` highest scores; classes of the same score count together, a row with a NaN is wrong.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{TopKCategoricalAccuracy, Metric};
/// let output = Tensor::from_vec([2, 3], vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.2])?;
/// assert_eq!(TopKCategoricalAccuracy::new(2).measure(&output, &Tensor::one_hot(&[1, 2], 3)?)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TopKCategoricalAccuracy {
    /// How many of the highest scores count, at least 1 (default: 5).
    pub k: usize,
}

impl TopKCategoricalAccuracy {
    /// Among the `k` highest scores.
    #[must_use]
    pub fn new(k: usize) -> Self {
        TopKCategoricalAccuracy { k }
    }

    fn check(&self) -> Result<()> {
        let checked = setting::between("k", self.k, [1, usize::MAX]);
        checked.map_err(|fault| setting::of("TopKCategoricalAccuracy", fault))
    }
}

impl Default for TopKCategoricalAccuracy {
    /// Keras's default: 5.
    fn default() -> Self {
        TopKCategoricalAccuracy::new(5)
    }
}

const NAME: &str = "top_k_categorical_accuracy";

impl Metric for TopKCategoricalAccuracy {
    fn name(&self) -> String {
        NAME.into()
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
        check_which(NAME, output, target, ClassesAre::Rows).map(|()| 2)
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
            class.is_some_and(|class| among_best(scores, class, self.k))
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "TopKCategoricalAccuracy",
        name: NAME,
        about: "the share of rows whose class has one of the k highest scores; targets are one-hot",
        file: file!(),
        from_config: |config| {
            let metric: TopKCategoricalAccuracy = parse("TopKCategoricalAccuracy", config)?;
            metric.check()?;
            Ok(Box::new(metric))
        },
        by_name: |name| named(TopKCategoricalAccuracy::default(), name),
        sample: || Sample {
            config: json!({"k": 2}),
            output: Tensor::from_fn([3, 3], |i| [0.5, 0.3, 0.2, 0.2, 0.3, 0.5, 0.1, 0.8, 0.1][i]),
            target: Tensor::from_fn([3, 3], |i| [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0][i]),
            value: 2.0 / 3.0,
        },
    }
}
