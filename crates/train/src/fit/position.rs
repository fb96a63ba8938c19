//! Where a run stands: into a checkpoint, and back out of one.

use super::Run;
use super::decisions::Decisions;
use crate::{
    CheckpointExt, Error, Result,
    checkpoint::Snapshot,
    moments,
    number::Number,
    running::{Running, Saved},
    settings::Resumption,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use taper_checkpoint::{Checkpoint, Position};
use taper_tensor::Seed;

/// The running sums of an epoch, what must be the same for going on in the middle of it, and what callbacks decided.
#[derive(Serialize, Deserialize)]
struct Progress {
    batch_size: usize,
    samples: usize,
    running: Saved,
    #[serde(flatten)]
    decisions: Decisions,
}

impl Run<'_, '_> {
    /// Takes over what a checkpoint says, if it belongs to this model, data and settings.
    pub(super) fn go_on_from(&mut self, from: Resumption) -> Result<()> {
        self.state = moments::load(&*self.settings.optimizer, from.optimizer, self.model)?;
        self.history = from.history;
        self.epoch = from.position.epoch;
        let notes = &from.position.progress;
        if from.position.batch == 0 {
            // Between epochs there are no sums to go on with, and a file of another maker may have no notes.
            let decisions = match notes.is_empty() {
                true => Decisions::default(),
                false => serde_json::from_str(notes).map_err(unreadable)?,
            };
            self.take_over(decisions);
            return Ok(());
        }
        let progress: Progress = serde_json::from_str(notes).map_err(unreadable)?;
        let (there, here) = (
            (progress.batch_size, progress.samples),
            (self.settings.batch_size, self.data.len()),
        );
        if there != here {
            let message = format!(
                "it was made within an epoch of {} samples in batches of {}, but this run has {} samples in batches \
                 of {}; give it the same data and batch size",
                there.1, there.0, here.1, here.0
            );
            return Err(Error::Resume(message));
        }
        self.batch = usize::try_from(from.position.batch).unwrap_or(usize::MAX);
        if self.batch > self.batches {
            let message = format!(
                "it stands at batch {} of an epoch of {}",
                self.batch, self.batches
            );
            return Err(Error::Resume(message));
        }
        self.running = Running::load(progress.running, &self.goal.measured)?;
        self.take_over(progress.decisions);
        Ok(())
    }

    fn take_over(&mut self, decisions: Decisions) {
        self.control.learning_rate.set(decisions.learning_rate());
        *self.states.borrow_mut() = decisions.callbacks.clone();
        self.saved = Some(decisions);
    }

    /// What is known of where this model comes from; the user's own notes win.
    pub(super) fn provenance(&self) -> BTreeMap<String, String> {
        let data = self.data;
        let mut notes = Checkpoint::default()
            .provenance("taper_version", env!("CARGO_PKG_VERSION"))
            .provenance("dataset", data.name())
            .provenance("loss", self.goal.describe())
            .provenance("batch_size", self.settings.batch_size.to_string())
            .provenance("training_samples", data.len().to_string());
        if let Some(digest) = data.digest() {
            notes = notes.provenance("dataset_sha256", digest);
        }
        if !data.class_names().is_empty() {
            notes = notes.class_names(data.class_names());
        }
        notes.provenance.extend(self.settings.provenance.clone());
        notes.provenance
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Resume(format!(
        "its notes on the running epoch cannot be read: {error}"
    ))
}

impl Snapshot for Run<'_, '_> {
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            optimizer: Some(moments::save(
                &*self.settings.optimizer,
                &self.state,
                self.model,
            )),
            position: Some(self.position()),
            provenance: self.provenance(),
            ..Checkpoint::of(self.model).history(&self.history)
        }
    }

    fn running(&self) -> Vec<(String, f64)> {
        let (running, measured) = (&self.running, &self.goal.measured);
        let whole = [
            ("loss", running.loss()),
            (self.goal.kind().names()[0], running.data_loss()),
            ("penalty", running.penalty()),
        ];
        let values = running.losses().chain(running.metrics(measured));
        let own = measured.names().cloned().zip(values);
        let whole = whole.map(|(name, value)| (name.to_owned(), value));
        whole.into_iter().chain(own).collect()
    }

    fn position(&self) -> Position {
        let progress = Progress {
            batch_size: self.settings.batch_size,
            samples: self.data.len(),
            running: self.running.save(&self.goal.measured),
            decisions: Decisions {
                learning_rate: self.control.learning_rate.get().map(Number),
                callbacks: self.states.borrow().clone(),
            },
        };
        let Seed(seed) = self.settings.seed;
        // Numbers in named fields: there is nothing here that JSON cannot say.
        let progress = serde_json::to_string(&progress).unwrap_or_default();
        Position {
            seed,
            epoch: self.epoch,
            batch: self.batch as u64,
            progress,
        }
    }
}
