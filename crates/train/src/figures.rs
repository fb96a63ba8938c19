//! The figures that a run will have, known before its first batch: what there is to watch, and which way it gets better.

use crate::{
    DataLoss, Mode,
    measured::{ACCURACY, Measured},
};

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
        figures.all.push(("learning_rate".to_owned(), None));
        figures.metrics("", Some(training));
        figures.metrics("val_", validation);
        figures.metrics("train_", training_set);
        figures
    }

    /// Whether a figure of this name, or of its other name, will be measured, and which way it becomes better.
    pub(crate) fn find(&self, name: &str) -> Option<Option<Mode>> {
        let name = self.kind.own_name(name);
        let found = self.all.iter().find(|(known, _)| known == name);
        found.map(|(_, mode)| *mode)
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

    fn metrics(&mut self, prefix: &str, measured: Option<&Measured<'_>>) {
        let entries = measured.iter().flat_map(|measured| &measured.metrics);
        for entry in entries.filter(|entry| entry.name != ACCURACY) {
            self.add(&format!("{prefix}{}", entry.name), entry.metric.mode());
        }
    }
}
