//! The F-score of classes, which `F1Score` and `FBetaScore` share.

use super::{Counter, same_shape, weights_of};
use crate::{Result, setting};
use serde::{Deserialize, Serialize};
use taper_tensor::Tensor;

/// How figures of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Average {
    /// Of all classes counted together.
    Micro,
    /// Their mean.
    Macro,
    /// Their mean, each class as often as it occurs in the targets.
    Weighted,
}

#[derive(Clone, Copy)]
pub(in crate::metrics) struct FScore {
    pub(in crate::metrics) average: Option<Average>,
    pub(in crate::metrics) beta: f64,
    pub(in crate::metrics) threshold: Option<f64>,
}

/// Keras's.
const EPSILON: f64 = 1e-7;

impl Counter for FScore {
    fn check(&self, class_name: &str) -> Result<()> {
        let checked = setting::positive("beta", self.beta);
        checked.map_err(|fault| setting::of(class_name, fault))?;
        match self.threshold {
            Some(threshold) if !(threshold > 0.0 && threshold <= 1.0) => {
                let fault = format!("threshold is {threshold}, it must be above 0 and at most 1");
                Err(setting::of(class_name, fault))
            }
            _ => Ok(()),
        }
    }

    /// Of each class: true positives, false positives, false negatives, all that are positive.
    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        same_shape(metric, output, target)?;
        match output {
            [classes] => Ok(4 * classes),
            _ => {
                let message = format!("outputs [n, classes] are wanted, a sample has {output:?}");
                Err(crate::Error::shapes(metric, message))
            }
        }
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        (output, target): (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        same_shape(metric, output.shape(), target.shape())?;
        let weights = weights_of(metric, output, sample_weights)?;
        let classes = sums.len() / 4;
        let (output, target) = (output.to_vec(), target.to_vec());
        let rows = output
            .chunks_exact(classes)
            .zip(target.chunks_exact(classes));
        for (sample, (scores, labels)) in rows.enumerate() {
            let weight = weights.as_ref().map_or(1.0, |all| f64::from(all[sample]));
            let called = self.called(scores);
            for (class, label) in labels.iter().enumerate() {
                let (is, called) = (f64::from(*label), f64::from(called(scores[class])));
                let figures = [called * is, called * (1.0 - is), (1.0 - called) * is, is];
                for (sum, figure) in sums[4 * class..].iter_mut().zip(figures) {
                    *sum += weight * figure;
                }
            }
        }
        Ok(())
    }

    /// Averaged; the mean over classes where no average was asked for.
    fn value(&self, sums: &[f64]) -> f64 {
        let scores = self.values(sums);
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    /// One for each class, or the one average.
    fn values(&self, sums: &[f64]) -> Vec<f64> {
        let of_class = |figures: &[f64]| self.of(figures);
        let classes = sums.chunks_exact(4);
        match self.average {
            None => classes.map(of_class).collect(),
            Some(Average::Macro) => {
                let scores: Vec<f64> = classes.map(of_class).collect();
                vec![scores.iter().sum::<f64>() / scores.len().max(1) as f64]
            }
            Some(Average::Micro) => {
                let mut all = [0.0; 4];
                for figures in classes {
                    all.iter_mut()
                        .zip(figures)
                        .for_each(|(sum, figure)| *sum += figure);
                }
                vec![self.of(&all)]
            }
            Some(Average::Weighted) => {
                let all: f64 = sums.iter().skip(3).step_by(4).sum();
                let weighted = classes.map(|figures| self.of(figures) * figures[3]);
                vec![weighted.sum::<f64>() / (all + EPSILON)]
            }
        }
    }
}

impl FScore {
    /// Which scores of a row are called positive.
    fn called(self, scores: &[f32]) -> impl Fn(f32) -> bool + use<> {
        let whole = scores.iter().all(|score| !score.is_nan());
        let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        move |score: f32| match self.threshold {
            Some(threshold) => f64::from(score) > threshold,
            None => whole && score >= greatest && f64::from(score.abs()) > 1e-9,
        }
    }

    fn of(self, figures: &[f64]) -> f64 {
        let precision = figures[0] / (figures[0] + figures[1] + EPSILON);
        let recall = figures[0] / (figures[0] + figures[2] + EPSILON);
        let square = self.beta * self.beta;
        (1.0 + square) * precision * recall / (square * precision + recall + EPSILON)
    }
}
