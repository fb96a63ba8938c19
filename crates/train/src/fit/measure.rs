//! The measurements at the end of an epoch.

use super::Run;
use crate::{
    EpochRecord, Result, conditions,
    evaluate::{Confusion, Evaluation, measure, penalty},
    settings::Settings,
};
use std::time::Instant;
use taper_datasets::Dataset;

impl Run<'_, '_> {
    /// The record of the epoch whose batches are done.
    pub(super) fn measure(&self, started: Instant) -> Result<EpochRecord> {
        let Settings { batch_size, .. } = self.settings;
        let wishes = self.settings.wishes();
        let on = |data: &dyn Dataset| {
            let (model, no) = (&*self.model, Confusion::No);
            measure(model, data, *batch_size, &wishes, no)
        };
        let validation = self.settings.validation.map(on).transpose()?;
        let training = self
            .settings
            .measure_training_set
            .then(|| on(self.data))
            .transpose()?;
        let measured = &self.goal.measured;
        let metrics = self.running.metrics(measured);
        let (accuracy, mut figures) = measured.split(self.running.losses(), metrics);
        for (prefix, evaluation) in [("val_", &validation), ("train_", &training)] {
            let measured = evaluation.iter().flat_map(|e| &e.metrics);
            figures.extend(measured.map(|(name, value)| (format!("{prefix}{name}"), *value)));
        }
        let figure =
            |of: &Option<Evaluation>, value: fn(&Evaluation) -> f64| of.as_ref().map(value);
        let seconds = self.running.seconds;
        Ok(EpochRecord {
            epoch: self.epoch + 1,
            loss: self.running.loss(),
            accuracy,
            data_loss: self.running.data_loss(),
            data_loss_kind: self.goal.kind(),
            penalty: self.running.penalty(),
            val_loss: figure(&validation, |e| e.loss),
            val_accuracy: validation.as_ref().and_then(|e| e.accuracy),
            val_data_loss: figure(&validation, |e| e.data_loss),
            end_penalty: {
                let measured = validation.as_ref().or(training.as_ref());
                measured.map_or_else(|| penalty(self.model), |e| e.penalty)
            },
            train_accuracy: training.as_ref().and_then(|e| e.accuracy),
            train_data_loss: figure(&training, |e| e.data_loss),
            metrics: figures,
            learning_rate: self.running.learning_rate.unwrap_or_else(|| {
                let optimizer = &self.settings.optimizer;
                optimizer.learning_rate_at(self.state.iterations.saturating_sub(1))
            }),
            seconds: seconds + started.elapsed().as_secs_f64(),
            images_per_second: if seconds > 0.0 {
                self.running.samples as f64 / seconds
            } else {
                0.0
            },
            changes: conditions::changes_of(self.changes_noted.as_ref(), self.epoch + 1),
        })
    }
}
