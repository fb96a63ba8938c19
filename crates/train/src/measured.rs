//! What is measured on a set of samples: the metrics that were asked for and, where classes are told apart, accuracy.

use crate::{Accuracy, Metric, Result, labels::check_classes, loss_check, names};
use std::collections::BTreeMap;
use taper_nn::Loss;

pub(crate) use crate::names::ACCURACY;

/// Metrics, each with its name and the number of its sums.
#[derive(Clone, Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) metrics: Vec<Entry<'a>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) metric: &'a dyn Metric,
    pub(crate) name: String,
    pub(crate) sums: usize,
}

impl<'a> Measured<'a> {
    /// Of samples with these shapes (without the batch axis). Accuracy is added when the loss tells classes apart.
    ///
    /// # Errors
    /// A metric cannot compare such outputs with such targets, or has a name that is taken; a setting of the loss is out of
    /// its range.
    pub(crate) fn new(
        metrics: &'a [Box<dyn Metric>],
        loss: &dyn Loss,
        output: &[usize],
        target: &[usize],
    ) -> Result<Self> {
        loss_check::check(loss)?;
        names::check(metrics)?;
        let mut all: Vec<&'a dyn Metric> = metrics.iter().map(|metric| &**metric).collect();
        let classes =
            || loss.is_classification() && check_classes(ACCURACY, output, target).is_ok();
        if !all.iter().any(|metric| metric.name() == ACCURACY) && classes() {
            all.insert(0, &Accuracy);
        }
        let entry = |metric: &'a dyn Metric| {
            Ok(Entry {
                metric,
                name: metric.name(),
                sums: metric.sums(output, target)?,
            })
        };
        let metrics = all.into_iter().map(entry).collect::<Result<_>>()?;
        Ok(Measured { metrics })
    }

    /// Accuracy, if it is measured, and the others by name.
    pub(crate) fn split(
        &self,
        values: impl IntoIterator<Item = f64>,
    ) -> (Option<f64>, BTreeMap<String, f64>) {
        let names = self.metrics.iter().map(|entry| entry.name.clone());
        let mut values: BTreeMap<String, f64> = names.zip(values).collect();
        (values.remove(ACCURACY), values)
    }
}
