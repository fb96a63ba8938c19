//! The share of rows whose class is predicted, or among the most probable.

use super::{ClassesAre, Counter, check_which, weights_of};
use crate::labels::{add_shares, share};
use crate::prediction::{among_best, predicted};
use crate::{Result, setting};
use taper_tensor::Tensor;

pub(in crate::metrics) struct Hits {
    /// How many of the highest scores count; none: what is predicted.
    pub(in crate::metrics) k: Option<usize>,
    pub(in crate::metrics) classes: ClassesAre,
}

impl Counter for Hits {
    fn check(&self, class_name: &str) -> Result<()> {
        let k = self.k.unwrap_or(1);
        let checked = setting::between("k", k, [1, usize::MAX]);
        checked.map_err(|fault| setting::of(class_name, fault))
    }

    /// The right ones, and all.
    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        check_which(metric, output, target, self.classes).map(|()| 2)
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let weights = weights_of(metric, pair.0, sample_weights)?;
        add_shares(sums, metric, pair, weights, |scores, class| match self.k {
            None => class.is_some() && class == predicted(scores),
            Some(k) => class.is_some_and(|class| among_best(scores, class, k)),
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}
