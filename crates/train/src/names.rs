//! Which names metrics may have: every figure of a record has one of its own.

use crate::{Accuracy, DataLoss, Error, Metric, Result};

/// The name of the metric that has a place of its own in records.
pub(crate) const ACCURACY: &str = "accuracy";

/// Figures and other fields of a record, beside those of [`DataLoss`].
const TAKEN: [&str; 8] = [
    "epoch",
    "loss",
    "penalty",
    "end_penalty",
    "learning_rate",
    "seconds",
    "images_per_second",
    "data_loss_kind",
];

/// What stands before the names of figures on other sets.
const PREFIXES: [&str; 2] = ["val_", "train_"];

/// Every metric has a name that nothing else has.
///
/// # Errors
/// Names the metric, and says what to call it.
pub(crate) fn check(metrics: &[Box<dyn Metric>]) -> Result<()> {
    for (i, metric) in metrics.iter().enumerate() {
        let name = metric.name();
        let refuse = |why: &str| {
            Err(Error::Setting(format!(
                "the metric {metric:?} is named {name:?}, {why}"
            )))
        };
        if name.is_empty() {
            return refuse("which is no name");
        }
        let taken = TAKEN
            .into_iter()
            .chain(DataLoss::CrossEntropy.names())
            .chain(DataLoss::Other.names());
        if taken.clone().any(|taken| taken == name) {
            return refuse("which is a figure of every epoch already; give it another name");
        }
        if name == ACCURACY && format!("{metric:?}") != format!("{Accuracy:?}") {
            return refuse("which is the metric Accuracy; give it another name");
        }
        if let Some(prefix) = PREFIXES.into_iter().find(|prefix| name.starts_with(prefix)) {
            return refuse(&format!(
                "and {prefix:?} is put before the names of metrics on another set; give it another name"
            ));
        }
        if metrics[..i].iter().any(|earlier| earlier.name() == name) {
            return refuse("and so is another one; give one of them another name");
        }
    }
    Ok(())
}
