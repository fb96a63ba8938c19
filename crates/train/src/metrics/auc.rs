//! The area under the ROC or the precision-recall curve.

use super::{Bins, Metric, Row, Sample, ratio, read};
use crate::{Mode, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// The area under a curve over all thresholds of a probability, as Keras's `AUC`: outputs in [0, 1] are counted in
/// `num_thresholds` bins, over the whole set, and the curve is drawn through the edges of the bins: exact where no positive
/// shares a bin with a negative of another score, otherwise nearer to it the more bins there are. Targets (0 or 1) are
/// of the output's shape; several outputs count together. With an output that is NaN it is
/// NaN; one outside of [0, 1] is an error. Named `auc`, or `auc_pr` for the precision-recall curve.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{AUC, Metric};
/// let output = Tensor::from_vec([4, 1], vec![0.1, 0.4, 0.35, 0.8])?;
/// let target = Tensor::from_vec([4, 1], vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(AUC::new().measure(&output, &target)?, 0.75);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AUC {
    /// Edges of bins, both ends included (Keras's default: 200); from 2 to 1,000,000.
    pub num_thresholds: usize,
    /// Which curve.
    pub curve: Curve,
}

/// The curve that [`AUC`] measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Curve {
    /// Receiver operating characteristic: the rate of true positives over that of false ones.
    #[default]
    ROC,
    /// Precision over recall.
    PR,
}

impl AUC {
    /// Under the ROC curve, with 200 thresholds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Under another curve.
    #[must_use]
    pub fn curve(mut self, curve: Curve) -> Self {
        self.curve = curve;
        self
    }

    fn check(&self) -> Result<()> {
        self.bins().check("AUC")
    }

    fn label(&self) -> &'static str {
        match self.curve {
            Curve::ROC => "auc",
            Curve::PR => "auc_pr",
        }
    }

    fn bins(&self) -> Bins {
        Bins {
            thresholds: self.num_thresholds,
        }
    }
}

impl Default for AUC {
    fn default() -> Self {
        AUC {
            num_thresholds: 200,
            curve: Curve::ROC,
        }
    }
}

impl Metric for AUC {
    fn name(&self) -> String {
        self.label().into()
    }

    fn config(&self) -> Value {
        json!({"num_thresholds": self.num_thresholds, "curve": self.curve})
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// Positives bin by bin, then negatives.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        self.check()?;
        self.bins().sums(self.label(), output, target)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let pair = (output, target);
        self.bins().add(self.label(), sums, pair, sample_weights)
    }

    fn value(&self, sums: &[f64]) -> f64 {
        // At each threshold, what is above it.
        let (tp, fp) = self.bins().above(sums);
        let (all, none) = (tp[0], fp[0]);
        let steps = 0..self.num_thresholds - 1;
        match self.curve {
            Curve::ROC => steps
                .map(|i| {
                    let width = ratio(fp[i], none) - ratio(fp[i + 1], none);
                    width * (ratio(tp[i], all) + ratio(tp[i + 1], all)) / 2.0
                })
                .sum(),
            // Davis & Goadrich, The Relationship Between Precision-Recall and ROC Curves (2006): between two thresholds
            // true positives grow linearly with all positives, not with recall.
            Curve::PR => steps
                .map(|i| {
                    let (p, next) = (tp[i] + fp[i], tp[i + 1] + fp[i + 1]);
                    let rise = tp[i] - tp[i + 1];
                    let slope = ratio(rise, (p - next).max(0.0));
                    let intercept = tp[i + 1] - slope * next;
                    let growth = if p > 0.0 && next > 0.0 { p / next } else { 1.0 };
                    ratio(slope * (rise + intercept * growth.ln()), all)
                })
                .sum(),
        }
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "AUC",
        name: "auc",
        about: "the area under the ROC or the precision-recall curve",
        file: file!(),
        from_config: |config| read("AUC", config, AUC::check),
        by_name: |name| {
            let curves = [Curve::ROC, Curve::PR].map(|curve| AUC::new().curve(curve));
            let found = curves.into_iter().find(|metric| metric.label() == name)?;
            Some(Box::new(found))
        },
        sample: || Sample {
            // The example of Keras's documentation.
            config: json!({"num_thresholds": 3, "curve": "ROC"}),
            output: Tensor::from_fn([4, 1], |i| [0.0, 0.5, 0.3, 0.9][i]),
            target: Tensor::from_fn([4, 1], |i| [0.0, 0.0, 1.0, 1.0][i]),
            value: 0.75,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::from_slice([values.len(), 1], values).unwrap()
    }

    /// tp = 2, 1, 0 and tp + fp = 4, 1, 0 at the three thresholds.
    #[test]
    fn precision_and_recall_are_interpolated_as_davis_and_goadrich_say() {
        let auc = AUC {
            num_thresholds: 3,
            curve: Curve::PR,
        };
        let output = tensor(&[0.0, 0.5, 0.3, 0.9]);
        let found = auc
            .measure(&output, &tensor(&[0.0, 0.0, 1.0, 1.0]))
            .unwrap();
        let wanted = (1.0 / 3.0 * (1.0 + 2.0 / 3.0 * 4.0_f64.ln()) + 1.0) / 2.0;
        assert!((found - wanted).abs() <= 1e-12, "{found}, wanted {wanted}");
        assert_eq!(auc.name(), "auc_pr");
    }

    /// With fine bins it is the share of pairs of a positive and a negative that are in order (ties count half).
    #[test]
    fn it_counts_pairs_over_the_whole_set_and_not_within_batches() {
        let values = |factor: usize, modulus: usize| move |i: usize| (i * factor % modulus) as f32;
        let output: Vec<f32> = (0..60).map(values(17, 61)).map(|v| v / 61.0).collect();
        let target: Vec<f32> = (0..60)
            .map(values(7, 5))
            .map(|v| f32::from(v > 2.0))
            .collect();
        let (mut right, mut pairs) = (0.0, 0.0);
        for (p, _) in output.iter().zip(&target).filter(|(_, t)| **t == 1.0) {
            for (n, _) in output.iter().zip(&target).filter(|(_, t)| **t == 0.0) {
                pairs += 1.0;
                right += f64::from(u8::from(p > n)) + 0.5 * f64::from(u8::from(p == n));
            }
        }
        let auc = AUC::new();
        let mut sums = vec![0.0; auc.sums(&[1], &[1]).unwrap()];
        for (output, target) in output.chunks(7).zip(target.chunks(7)) {
            auc.add(&mut sums, &tensor(output), &tensor(target), None)
                .unwrap();
        }
        let found = auc.value(&sums);
        assert!(
            (found - right / pairs).abs() <= 1e-12,
            "{found}, {right} of {pairs}"
        );
    }

    #[test]
    fn what_is_no_probability_is_an_error_and_nan_stays_nan() {
        let target = tensor(&[1.0, 0.0]);
        let error = AUC::new()
            .measure(&tensor(&[1.5, 0.0]), &target)
            .unwrap_err();
        assert!(error.to_string().contains("1.5"), "{error}");
        let broken = AUC::new()
            .measure(&tensor(&[f32::NAN, 0.0]), &target)
            .unwrap();
        assert!(broken.is_nan());
        assert!((row().from_config)(&json!({"num_thresholds": 1})).is_err());
    }
}
