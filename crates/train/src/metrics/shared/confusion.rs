//! The table of true and predicted classes from which the intersections over unions come.

use super::weights_of;
use crate::prediction::first_greatest;
use crate::{Error, Result, setting};
use taper_tensor::Tensor;

/// How a table of classes is counted.
#[derive(Clone, Copy)]
pub(in crate::metrics) struct Confusion {
    pub(in crate::metrics) classes: usize,
    /// Positions of this class are left out.
    pub(in crate::metrics) ignored: Option<i64>,
    /// Whether targets are class numbers, and not rows of the last axis.
    pub(in crate::metrics) sparse_target: bool,
    /// The same of outputs.
    pub(in crate::metrics) sparse_output: bool,
    /// Above or at which an output is of class 1, where that is what tells.
    pub(in crate::metrics) threshold: Option<f64>,
}

impl Confusion {
    /// A table `[true, predicted]`, one column more for what is not predicted.
    pub(in crate::metrics) fn sums(
        self,
        metric: &str,
        output: &[usize],
        target: &[usize],
    ) -> Result<usize> {
        let misfit = || {
            let message = format!(
                "the model's output {output:?} does not fit the targets {target:?} (sparse_y_pred: {}, sparse_y_true: \
                 {}, {} classes)",
                self.sparse_output, self.sparse_target, self.classes
            );
            Error::shapes(metric, message)
        };
        let positions = |shape: &[usize], sparse: bool| match (sparse, shape) {
            (true, shape) => Some(shape.iter().product::<usize>()),
            (false, [outer @ .., classes]) if *classes == self.classes => {
                Some(outer.iter().product())
            }
            _ => None,
        };
        let found = positions(output, self.sparse_output).ok_or_else(misfit)?;
        match positions(target, self.sparse_target) {
            Some(wanted) if wanted == found => Ok(self.classes * (self.classes + 1)),
            _ => Err(misfit()),
        }
    }

    /// The classes that the values of a tensor say, position by position.
    fn classes_of(self, tensor: &Tensor, sparse: bool) -> Vec<Option<usize>> {
        let values = tensor.to_vec();
        if !sparse {
            return values
                .chunks_exact(self.classes)
                .map(first_greatest)
                .collect();
        }
        let class = |value: &f32| {
            let number = *value as usize;
            (*value >= 0.0 && number < self.classes && number as f32 == *value).then_some(number)
        };
        values.iter().map(class).collect()
    }

    pub(in crate::metrics) fn add(
        self,
        metric: &str,
        sums: &mut [f64],
        (output, target): (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let sample = |t: &Tensor| t.shape().get(1..).unwrap_or_default().to_vec();
        self.sums(metric, &sample(output), &sample(target))?;
        let weights = weights_of(metric, output, sample_weights)?;
        let predicted = match self.threshold {
            Some(threshold) => {
                let class = |value: f32| {
                    (!value.is_nan()).then_some(usize::from(f64::from(value) >= threshold))
                };
                output.to_vec().into_iter().map(class).collect()
            }
            None => self.classes_of(output, self.sparse_output),
        };
        let labels = self.classes_of(target, self.sparse_target);
        if labels.len() != predicted.len() {
            let message = format!(
                "there are {} predictions for {} targets",
                predicted.len(),
                labels.len()
            );
            return Err(Error::shapes(metric, message));
        }
        let samples = output.shape().first().copied().unwrap_or(1).max(1);
        let positions = labels.len() / samples;
        for (i, (label, predicted)) in labels.into_iter().zip(predicted).enumerate() {
            // A label that is no class is left out, as in Keras.
            let Some(label) = label.filter(|label| self.ignored != Some(*label as i64)) else {
                continue;
            };
            let weight = weights
                .as_ref()
                .map_or(1.0, |all| f64::from(all[i / positions]));
            sums[label * (self.classes + 1) + predicted.unwrap_or(self.classes)] += weight;
        }
        Ok(())
    }

    /// The intersection over the union of each class; `None` of a class that is nowhere.
    pub(in crate::metrics) fn ratios(self, sums: &[f64]) -> Vec<Option<f64>> {
        let width = self.classes + 1;
        let of_class = |class: usize| {
            let row: f64 = sums[class * width..(class + 1) * width].iter().sum();
            let column: f64 = (0..self.classes)
                .map(|label| sums[label * width + class])
                .sum();
            let both = sums[class * width + class];
            let union = row + column - both;
            (union > 1e-9 || union.is_nan()).then(|| both / union)
        };
        (0..self.classes).map(of_class).collect()
    }

    /// The mean over these classes, those left out that are nowhere; 0 of none.
    pub(in crate::metrics) fn mean(self, sums: &[f64], classes: &[usize]) -> f64 {
        let ratios = self.ratios(sums);
        let found: Vec<f64> = classes.iter().filter_map(|class| ratios[*class]).collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }

    pub(in crate::metrics) fn check(self, class_name: &str, targets: &[usize]) -> Result<()> {
        let checked = setting::between("num_classes", self.classes, [2, 4096]);
        checked.map_err(|fault| setting::of(class_name, fault))?;
        let class = targets.iter().find(|class| **class >= self.classes);
        if targets.is_empty() || class.is_some() {
            let fault = format!(
                "target_class_ids is {targets:?}, it must have some of the classes 0 to {}",
                self.classes - 1
            );
            return Err(setting::of(class_name, fault));
        }
        Ok(())
    }
}
