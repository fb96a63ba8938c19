//! The weights of the values that are called positive, or not, and are, or are not.

use super::{Counter, each_value, same_shape};
use crate::{Result, setting};
use taper_tensor::Tensor;

pub(in crate::metrics) struct Counted {
    /// Above it an output is called positive; a NaN is not.
    pub(in crate::metrics) threshold: f64,
    /// Whether those count that are called positive, or the others.
    pub(in crate::metrics) called: bool,
    /// Whether those count that are positive, or the others.
    pub(in crate::metrics) is: bool,
}

impl Counter for Counted {
    fn check(&self, class_name: &str) -> Result<()> {
        let checked = setting::fraction("thresholds", self.threshold);
        checked.map_err(|fault| setting::of(class_name, fault))
    }

    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        same_shape(metric, output, target).map(|()| 1)
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        each_value(metric, pair, sample_weights, |_, output, target, weight| {
            if (output > self.threshold) == self.called && (target != 0.0) == self.is {
                sums[0] += weight;
            }
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        sums[0]
    }
}
