//! Which names metrics may have: every figure of a record has one of its own.

use crate::{Accuracy, DataLoss, Error, Metric, Result};

/// The name of the metric that has a place of its own in records.
pub(crate) const ACCURACY: &str = "accuracy";

/// Figures and other fields of a record, beside those of [`DataLoss`].
const TAKEN: [&str; 9] = [
    "epoch",
    "loss",
    "penalty",
    "end_penalty",
    "learning_rate",
    "seconds",
    "images_per_second",
    "data_loss_kind",
    "changes",
];

/// What stands before the names of figures on other sets.
const PREFIXES: [&str; 2] = ["val_", "train_"];

/// A figure with a name of its own: a metric, or the loss of one output.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    /// For errors: "the metric …".
    pub(crate) what: String,
    pub(crate) metric: Option<&'a dyn Metric>,
}

/// Every figure has a name that nothing else has.
///
/// # Errors
/// Names the metric, and says what to call it.
pub(crate) fn check(figures: &[Named<'_>]) -> Result<()> {
    for (i, figure) in figures.iter().enumerate() {
        let Named { name, what, metric } = figure;
        let refuse = |why: &str| {
            let way_out = match metric {
                Some(_) => "give it another name",
                None => "give the layer that makes the output another name",
            };
            Err(Error::Setting(format!(
                "{what} is named {name:?}, {why}; {way_out}"
            )))
        };
        if name.is_empty() {
            return refuse("which is no name");
        }
        let taken = TAKEN
            .into_iter()
            .chain(DataLoss::CrossEntropy.names())
            .chain(DataLoss::Other.names());
        if taken.clone().any(|taken| taken == *name) {
            return refuse("which is a figure of every epoch already");
        }
        let other = |metric: &dyn Metric| format!("{metric:?}") != format!("{Accuracy:?}");
        if *name == ACCURACY && metric.is_none_or(other) {
            return refuse("which is the metric Accuracy");
        }
        if let Some(prefix) = PREFIXES.into_iter().find(|prefix| name.starts_with(prefix)) {
            return refuse(&format!(
                "and {prefix:?} is put before the names of figures on another set"
            ));
        }
        if figures[..i].iter().any(|earlier| earlier.name == *name) {
            return refuse("and so is another one");
        }
    }
    Ok(())
}
