//! The table of true and predicted classes from which the intersections over unions come.

use super::{Counter, same_shape, weights_of};
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
}

/// The intersections over unions of some classes of a table.
pub(in crate::metrics) struct Unions<'a> {
    pub(in crate::metrics) confusion: Confusion,
    /// The classes whose mean is taken; all of them if absent.
    pub(in crate::metrics) classes: Option<&'a [usize]>,
}

impl Unions<'_> {
    /// Those of the classes that count, `None` of a class that is nowhere.
    fn ratios(&self, sums: &[f64]) -> Vec<Option<f64>> {
        let ratios = self.confusion.ratios(sums);
        match self.classes {
            Some(classes) => classes.iter().map(|class| ratios[*class]).collect(),
            None => ratios,
        }
    }
}

impl Counter for Unions<'_> {
    fn check(&self, class_name: &str) -> Result<()> {
        let Confusion {
            classes, threshold, ..
        } = self.confusion;
        setting::fraction("threshold", threshold.unwrap_or(0.0))
            .and_then(|()| setting::between("num_classes", classes, [2, 4096]))
            .map_err(|fault| setting::of(class_name, fault))?;
        match self.classes {
            Some(targets)
                if targets.is_empty() || targets.iter().any(|class| *class >= classes) =>
            {
                let fault = format!(
                    "target_class_ids is {targets:?}, it must have some of the classes 0 to {}",
                    classes - 1
                );
                Err(setting::of(class_name, fault))
            }
            _ => Ok(()),
        }
    }

    /// The table of true and predicted classes.
    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        if self.confusion.threshold.is_some() {
            same_shape(metric, output, target)?;
        }
        self.confusion.sums(metric, output, target)
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        self.confusion.add(metric, sums, pair, sample_weights)
    }

    /// Their mean, those left out that are nowhere; 0 of none.
    fn value(&self, sums: &[f64]) -> f64 {
        let found: Vec<f64> = self.ratios(sums).into_iter().flatten().collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }

    /// One for each class, 0 for those that occur nowhere.
    fn values(&self, sums: &[f64]) -> Vec<f64> {
        let ratios = self.ratios(sums).into_iter();
        ratios.map(|ratio| ratio.unwrap_or(0.0)).collect()
    }
}
