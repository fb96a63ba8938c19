//! Positives and negatives by bins of the output: what AUC and the metrics at a threshold of another one count.

use super::{Counter, each_value, same_shape};
use crate::{Error, Result, setting};
use taper_tensor::Tensor;

/// That many edges of bins between 0 and 1, both included.
#[derive(Clone, Copy)]
pub(in crate::metrics) struct Bins {
    pub(in crate::metrics) thresholds: usize,
}

/// Sums of weights at one threshold: what is above it, and all there is.
#[derive(Clone, Copy)]
pub(in crate::metrics) struct AtThreshold {
    true_positives: f64,
    false_positives: f64,
    positives: f64,
    negatives: f64,
}

impl AtThreshold {
    pub(in crate::metrics) fn sensitivity(&self) -> f64 {
        ratio(self.true_positives, self.positives)
    }

    pub(in crate::metrics) fn specificity(&self) -> f64 {
        ratio(self.negatives - self.false_positives, self.negatives)
    }

    pub(in crate::metrics) fn precision(&self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// The same as sensitivity, in the other vocabulary.
    pub(in crate::metrics) fn recall(&self) -> f64 {
        self.sensitivity()
    }
}

impl Bins {
    pub(in crate::metrics) fn check(self, class_name: &str) -> Result<()> {
        let checked = setting::between("num_thresholds", self.thresholds, [2, 1_000_000]);
        checked.map_err(|fault| setting::of(class_name, fault))
    }

    /// Positives bin by bin, then negatives.
    pub(in crate::metrics) fn sums(
        self,
        metric: &str,
        output: &[usize],
        target: &[usize],
    ) -> Result<usize> {
        same_shape(metric, output, target).map(|()| 2 * self.thresholds)
    }

    /// The bin of a probability: the last threshold that it is above. In f32, as Keras does it.
    fn bin(self, probability: f64) -> usize {
        let edges = (self.thresholds - 1) as f32;
        ((probability as f32 * edges).ceil() as usize).saturating_sub(1)
    }

    /// Adds a batch. With an output that is NaN everything becomes NaN.
    ///
    /// # Errors
    /// An output that is no probability.
    pub(in crate::metrics) fn add(
        self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let (mut outside, mut broken) = (None, false);
        let (positives, negatives) = sums.split_at_mut(self.thresholds);
        each_value(metric, pair, sample_weights, |_, output, target, weight| {
            if (0.0..=1.0).contains(&output) {
                let bin = self.bin(output);
                positives[bin] += weight * target;
                negatives[bin] += weight * (1.0 - target);
            } else if output.is_nan() {
                broken = true;
            } else {
                outside = Some(output);
            }
        })?;
        if let Some(output) = outside {
            let message = format!(
                "an output is {output}, which is no probability; should the last layer end in a sigmoid or softmax?"
            );
            return Err(Error::Other(format!("{metric}: {message}")));
        }
        if broken {
            sums.fill(f64::NAN);
        }
        Ok(())
    }

    /// True and false positives at each threshold, from the lowest to the highest.
    pub(in crate::metrics) fn above(self, sums: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (positives, negatives) = sums.split_at(self.thresholds);
        (from_above(positives), from_above(negatives))
    }

    /// The same with all there is.
    pub(in crate::metrics) fn at_thresholds(self, sums: &[f64]) -> Vec<AtThreshold> {
        let (positives, negatives) = self.above(sums);
        let (all, none) = (positives[0], negatives[0]);
        let pairs = positives.into_iter().zip(negatives);
        pairs
            .map(|(true_positives, false_positives)| AtThreshold {
                true_positives,
                false_positives,
                positives: all,
                negatives: none,
            })
            .collect()
    }
}

/// The greatest of one figure at the thresholds where another is at least so much; 0 if it is so nowhere, NaN of NaN.
pub(in crate::metrics) struct BestAt {
    /// The least, by the name of its setting.
    pub(in crate::metrics) least: (&'static str, f64),
    pub(in crate::metrics) thresholds: usize,
    pub(in crate::metrics) limited: fn(&AtThreshold) -> f64,
    pub(in crate::metrics) value: fn(&AtThreshold) -> f64,
}

impl BestAt {
    fn bins(&self) -> Bins {
        Bins {
            thresholds: self.thresholds,
        }
    }
}

impl Counter for BestAt {
    fn check(&self, class_name: &str) -> Result<()> {
        let checked = setting::fraction(self.least.0, self.least.1);
        checked.map_err(|fault| setting::of(class_name, fault))?;
        self.bins().check(class_name)
    }

    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        self.bins().sums(metric, output, target)
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        self.bins().add(metric, sums, pair, sample_weights)
    }

    fn value(&self, sums: &[f64]) -> f64 {
        let thresholds = self.bins().at_thresholds(sums);
        if thresholds
            .iter()
            .any(|at| at.positives.is_nan() || at.negatives.is_nan())
        {
            return f64::NAN;
        }
        let feasible = thresholds
            .iter()
            .filter(|at| (self.limited)(at) >= self.least.1);
        feasible.map(self.value).fold(0.0, f64::max)
    }
}

/// Sums of each bin and all above it.
fn from_above(bins: &[f64]) -> Vec<f64> {
    let mut sums = bins.to_vec();
    for i in (1..sums.len()).rev() {
        sums[i - 1] += sums[i];
    }
    sums
}

/// 0 of nothing.
pub(in crate::metrics) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
