//! The figures that a run will have, known before its first batch: what there is to watch, and which way it gets better.

use crate::{
    DataLoss, Error, Mode, Result,
    measured::{ACCURACY, Measured},
};
use std::collections::BTreeSet;

const LEARNING_RATE: &str = "learning_rate";

/// What the lines of a history have besides the loss function's part, which has two names.
const RESERVED: [&str; 12] = [
    "epoch",
    "loss",
    ACCURACY,
    "penalty",
    "val_loss",
    "val_accuracy",
    "end_penalty",
    "train_accuracy",
    LEARNING_RATE,
    "seconds",
    "images_per_second",
    "changes",
];

/// Names of the figures that will be measured, and which way each becomes better where that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    all: Vec<(String, Option<Mode>)>,
    kind: DataLoss,
}

impl Figures {
    /// Of a run that measures this in training, in validation, and on the training set at the end of an epoch.
    pub(crate) fn new(
        kind: DataLoss,
        training: &Measured<'_>,
        validation: Option<&Measured<'_>>,
        training_set: Option<&Measured<'_>>,
    ) -> Self {
        let mut figures = Figures {
            all: Vec::new(),
            kind,
        };
        let [running, val, train] = kind.names();
        figures.add("loss", Mode::Min);
        figures.accuracy("", Some(training));
        figures.add(running, Mode::Min);
        figures.add("penalty", Mode::Min);
        if validation.is_some() {
            figures.add("val_loss", Mode::Min);
            figures.accuracy("val_", validation);
            figures.add(val, Mode::Min);
        }
        figures.add("end_penalty", Mode::Min);
        if training_set.is_some() {
            figures.accuracy("train_", training_set);
            figures.add(train, Mode::Min);
        }
        // It is set, not reached: neither way is better.
        figures.all.push((LEARNING_RATE.to_owned(), None));
        for (prefix, measured) in [
            ("", Some(training)),
            ("val_", validation),
            ("train_", training_set),
        ] {
            figures.losses(prefix, measured);
            figures.metrics(prefix, measured);
        }
        figures
    }

    /// Whether every figure has a name of its own in the lines of a history.
    ///
    /// # Errors
    /// An output or a metric is called as something else is.
    pub(crate) fn check(&self) -> Result<()> {
        // Those of outputs and metrics are the last.
        let fixed = self.all.iter().position(|(name, _)| name == LEARNING_RATE);
        let free = &self.all[fixed.map_or(0, |at| at + 1)..];
        let data_losses = [DataLoss::CrossEntropy, DataLoss::Other].map(DataLoss::names);
        let mut taken: BTreeSet<&str> = RESERVED.iter().copied().collect();
        taken.extend(data_losses.iter().flatten());
        if let Some((name, _)) = free.iter().find(|(name, _)| !taken.insert(name)) {
            let message = format!(
                "two figures of the history would be called {name}; give the layer that makes an output, or a metric, \
                 another name"
            );
            return Err(Error::Setting(message));
        }
        Ok(())
    }

    /// Whether a figure of this name, or of its other name, will be measured, and which way it becomes better.
    pub(crate) fn find(&self, name: &str) -> Option<Option<Mode>> {
        let name = self.own_name(name);
        let found = self.all.iter().find(|(known, _)| known == name);
        found.map(|(_, mode)| *mode)
    }

    /// The name that this run has for a figure that may have two.
    pub(crate) fn own_name<'n>(&self, name: &'n str) -> &'n str {
        self.kind.own_name(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| name.as_str())
    }

    fn add(&mut self, name: &str, mode: Mode) {
        self.all.push((name.to_owned(), Some(mode)));
    }

    fn accuracy(&mut self, prefix: &str, measured: Option<&Measured<'_>>) {
        let entries = measured.iter().flat_map(|measured| &measured.metrics);
        for entry in entries.filter(|entry| entry.name == ACCURACY) {
            self.add(&format!("{prefix}{ACCURACY}"), entry.metric.mode());
        }
    }

    fn losses(&mut self, prefix: &str, measured: Option<&Measured<'_>>) {
        for name in measured.iter().flat_map(|measured| &measured.losses) {
            self.add(&format!("{prefix}{name}"), Mode::Min);
        }
    }

    fn metrics(&mut self, prefix: &str, measured: Option<&Measured<'_>>) {
        let entries = measured.iter().flat_map(|measured| &measured.metrics);
        for entry in entries.filter(|entry| entry.name != ACCURACY) {
            self.add(&format!("{prefix}{}", entry.name), entry.metric.mode());
        }
    }
}
