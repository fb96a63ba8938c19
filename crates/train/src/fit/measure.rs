//! The measurements at the end of an epoch.

use super::Run;
use crate::{
    EpochRecord, Result,
    evaluate::{Evaluation, evaluate_with, penalty},
    settings::Settings,
};
use std::{collections::BTreeMap, time::Instant};
use taper_datasets::Dataset;

impl Run<'_, '_> {
    /// The record of the epoch whose batches are done.
    pub(super) fn measure(&self, started: Instant) -> Result<EpochRecord> {
        let Settings {
            loss,
            metrics,
            batch_size,
            ..
        } = self.settings;
        let on =
            |data: &dyn Dataset| evaluate_with(self.model, data, &**loss, *batch_size, metrics);
        let validation = self.settings.validation.map(on).transpose()?;
        let training = self
            .settings
            .measure_training_set
            .then(|| on(self.data))
            .transpose()?;
        let mut figures: BTreeMap<String, f64> = metrics
            .iter()
            .map(|m| m.name())
            .zip(self.running.metrics())
            .collect();
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
            accuracy: self.running.accuracy(),
            cross_entropy: self.running.cross_entropy(),
            penalty: self.running.penalty(),
            val_loss: figure(&validation, |e| e.loss),
            val_accuracy: figure(&validation, |e| e.accuracy),
            val_cross_entropy: figure(&validation, |e| e.cross_entropy),
            end_penalty: penalty(self.model),
            train_accuracy: figure(&training, |e| e.accuracy),
            train_cross_entropy: figure(&training, |e| e.cross_entropy),
            metrics: figures,
            learning_rate: self
                .settings
                .optimizer
                .learning_rate_at(self.state.iterations.saturating_sub(1)),
            seconds: seconds + started.elapsed().as_secs_f64(),
            images_per_second: if seconds > 0.0 {
                self.running.samples as f64 / seconds
            } else {
                0.0
            },
        })
    }
}
