//! Which classes are taken for which.

use crate::{Result, labels::with_classes, prediction::predicted};
use serde::{Deserialize, Serialize};
use taper_tensor::Tensor;

/// Counts of (true class, predicted class): rows are true classes, columns predicted ones. Samples for which nothing is
/// predicted ([`prediction`](crate::prediction)) are counted beside the table, and wrong.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::ConfusionMatrix;
/// let mut confusion = ConfusionMatrix::new(2);
/// let output = Tensor::from_vec([3, 2], vec![0.9, 0.1, 0.2, 0.8, 0.6, 0.4])?;
/// confusion.update(&output, &Tensor::from_vec([3], vec![0.0, 1.0, 1.0])?)?;
/// assert_eq!(confusion.get(1, 0), 1);
/// assert_eq!(confusion.recall(1), Some(0.5));
/// println!("{confusion}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// `counts[actual][predicted]`.
    counts: Vec<Vec<u64>>,
    /// Samples of each class without a prediction; empty while there are none (and in files from before they were
    /// counted).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unpredicted: Vec<u64>,
}

impl ConfusionMatrix {
    /// An empty table of `classes` rows and columns.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        ConfusionMatrix {
            counts: vec![vec![0; classes]; classes],
            unpredicted: Vec::new(),
        }
    }

    /// Counts a batch: output `[n, c]` against one-hot `[n, c]` or sparse `[n]` targets, or `[n, 1]` against binary ones. Labels
    /// that are no class of the table are left out.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    pub fn update(&mut self, output: &Tensor, target: &Tensor) -> Result<()> {
        with_classes("confusion matrix", output, target, |batch, _| {
            batch.for_each(|scores, class| {
                if let Some(actual) = class {
                    match predicted(scores) {
                        Some(predicted) => self.add(actual, predicted),
                        None => self.add_unpredicted(actual),
                    }
                }
            });
        })
    }

    /// Counts one sample; does nothing when a class is beyond the table.
    pub fn add(&mut self, actual: usize, predicted: usize) {
        if let Some(count) = self
            .counts
            .get_mut(actual)
            .and_then(|row| row.get_mut(predicted))
        {
            *count += 1;
        }
    }

    /// Counts one sample for which nothing is predicted; does nothing when its class is beyond the table.
    pub fn add_unpredicted(&mut self, actual: usize) {
        if actual < self.classes() {
            self.unpredicted.resize(self.classes(), 0);
            self.unpredicted[actual] += 1;
        }
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// The table, row by row: `rows()[actual][predicted]`.
    #[must_use]
    pub fn rows(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// How often `actual` was taken for `predicted` (0 beyond the table).
    #[must_use]
    pub fn get(&self, actual: usize, predicted: usize) -> u64 {
        self.counts
            .get(actual)
            .and_then(|row| row.get(predicted))
            .copied()
            .unwrap_or(0)
    }

    /// How many samples of this class have no prediction, because not all of their scores are numbers (0 beyond the
    /// table).
    #[must_use]
    pub fn unpredicted(&self, actual: usize) -> u64 {
        self.unpredicted.get(actual).copied().unwrap_or(0)
    }

    /// All samples of this class, those without a prediction included (0 beyond the table).
    #[must_use]
    pub fn samples(&self, actual: usize) -> u64 {
        let predicted = self.counts.get(actual).map_or(0, |row| row.iter().sum());
        predicted + self.unpredicted(actual)
    }

    /// The share of all samples that are right; `None` without samples. One without a prediction is wrong.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right: u64 = (0..self.classes()).map(|c| self.get(c, c)).sum();
        share(right, (0..self.classes()).map(|c| self.samples(c)).sum())
    }

    /// The share of the samples of `class` that were recognized; `None` without such samples. One without a prediction was
    /// not.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.get(class, class), self.samples(class))
    }

    /// The share of the samples taken for `class` that are; `None` without such samples.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(
            self.get(class, class),
            (0..self.classes())
                .map(|actual| self.get(actual, class))
                .sum(),
        )
    }
}

/// A table with true classes down and predicted ones across; those without a prediction, if there are any, last.
impl std::fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.counts.iter().flatten().chain(&self.unpredicted);
        let largest = counts.max().copied().unwrap_or(0);
        let width = largest.max(self.classes() as u64).to_string().len() + 1;
        let some_are_none = self.unpredicted.iter().any(|&count| count > 0);
        write!(f, "{:>5}", "")?;
        (0..self.classes()).try_for_each(|class| write!(f, "{class:>width$}"))?;
        if some_are_none {
            write!(f, " {:>width$}", "none")?;
        }
        for (class, row) in self.counts.iter().enumerate() {
            write!(f, "\n{class:>5}")?;
            row.iter()
                .try_for_each(|count| write!(f, "{count:>width$}"))?;
            if some_are_none {
                write!(
                    f,
                    " {:>width$}",
                    self.unpredicted(class),
                    width = width.max(4)
                )?;
            }
        }
        Ok(())
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::number_of_classes;

    #[test]
    fn counts_shares_and_table() {
        let mut confusion = ConfusionMatrix::new(3);
        for (actual, predicted, times) in [(0, 0, 12), (0, 1, 4), (1, 1, 5), (2, 0, 3)] {
            (0..times).for_each(|_| confusion.add(actual, predicted));
        }
        confusion.add(7, 0);
        assert_eq!(confusion.accuracy(), Some(17.0 / 24.0));
        assert_eq!(confusion.recall(0), Some(0.75));
        assert_eq!(confusion.precision(0), Some(0.8));
        assert_eq!(confusion.recall(2), Some(0.0));
        assert_eq!(confusion.precision(2), None);
        assert_eq!(confusion.recall(9), None);
        assert_eq!(ConfusionMatrix::new(3).accuracy(), None);
        assert_eq!(
            confusion.to_string(),
            "       0  1  2\n    0 12  4  0\n    1  0  5  0\n    2  3  0  0"
        );
    }

    #[test]
    fn binary_and_one_hot_batches_are_counted() {
        let mut binary = ConfusionMatrix::new(number_of_classes("test", &[1], &[1]).unwrap());
        let output = Tensor::from_slice([2, 1], &[0.9, 0.2]).unwrap();
        binary
            .update(&output, &Tensor::from_slice([2, 1], &[1.0, 1.0]).unwrap())
            .unwrap();
        assert_eq!(binary.rows(), [[0, 0], [1, 1]]);
        let mut one_hot = ConfusionMatrix::new(number_of_classes("test", &[2], &[2]).unwrap());
        let output = Tensor::from_slice([2, 2], &[0.9, 0.1, 0.2, 0.8]).unwrap();
        one_hot
            .update(
                &output,
                &Tensor::from_slice([2, 2], &[1.0, 0.0, 1.0, 0.0]).unwrap(),
            )
            .unwrap();
        assert_eq!(one_hot.rows(), [[1, 1], [0, 0]]);
        assert!(number_of_classes("test", &[3], &[4]).is_err());
    }

    #[test]
    fn rows_without_a_prediction_are_counted_beside_the_table_and_wrong() {
        let mut confusion = ConfusionMatrix::new(2);
        let output = Tensor::from_slice([3, 2], &[0.9, 0.1, f32::NAN, 0.5, 0.2, 0.8]).unwrap();
        let labels = Tensor::from_slice([3], &[0.0, 0.0, 1.0]).unwrap();
        confusion.update(&output, &labels).unwrap();
        confusion.add_unpredicted(9);
        assert_eq!(confusion.rows(), [[1, 0], [0, 1]]);
        assert_eq!((confusion.unpredicted(0), confusion.unpredicted(1)), (1, 0));
        assert_eq!((confusion.samples(0), confusion.unpredicted(9)), (2, 0));
        assert_eq!(confusion.accuracy(), Some(2.0 / 3.0));
        assert_eq!(
            (confusion.recall(0), confusion.precision(0)),
            (Some(0.5), Some(1.0))
        );
        assert_eq!(
            confusion.to_string(),
            "      0 1 none\n    0 1 0    1\n    1 0 1    0"
        );
        let json = serde_json::to_string(&confusion).unwrap();
        assert_eq!(
            serde_json::from_str::<ConfusionMatrix>(&json).unwrap(),
            confusion
        );
        // What was written before there was such a count, and is still written where there is nothing to count.
        let old = r#"{"counts":[[1,0],[0,1]]}"#;
        let read: ConfusionMatrix = serde_json::from_str(old).unwrap();
        assert_eq!(read.accuracy(), Some(1.0));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
    }
}
