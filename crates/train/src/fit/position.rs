//! Where a run stands: into a checkpoint, and back out of one.

use super::Run;
use super::decisions::{Decisions, Tensors, take_tensors};
use crate::{
    CheckpointExt, Error, Result,
    checkpoint::Snapshot,
    conditions::{self, Conditions},
    measures, moments,
    number::Number,
    running::{Running, Saved},
    settings::Resumption,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use taper_checkpoint::{Checkpoint, Position};
use taper_tensor::Seed;

/// What is compared before going on; what is missing is not.
#[derive(Default, Deserialize)]
struct Noted {
    #[serde(default)]
    batch_size: Option<usize>,
    #[serde(default)]
    samples: Option<usize>,
    #[serde(default)]
    conditions: Conditions,
    #[serde(flatten)]
    decisions: Decisions,
}

/// The running sums of an epoch, what must be the same for going on in the middle of it, and what callbacks decided.
#[derive(Serialize, Deserialize)]
struct Progress {
    batch_size: usize,
    samples: usize,
    running: Saved,
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    conditions: Conditions,
    #[serde(flatten)]
    decisions: Decisions,
}

impl Run<'_, '_> {
    /// Takes over what a checkpoint says, if it belongs to this model, data and settings.
    pub(super) fn go_on_from(&mut self, mut from: Resumption) -> Result<()> {
        let tensors = take_tensors(&mut from.optimizer.slots);
        let notes = &from.position.progress;
        let within_epoch = from.position.batch > 0;
        // Between epochs there are no sums to go on with, and a file of another maker may have no notes.
        let noted: Noted = match notes.is_empty() && !within_epoch {
            true => Noted::default(),
            false => serde_json::from_str(notes).map_err(unreadable)?,
        };
        let new_rate = self.accept(&from, &noted, within_epoch)?;
        let (optimizer, iterations) = (&*self.settings.optimizer, from.optimizer.iterations);
        let other = self.changes.iter().any(|d| d.name.starts_with("optimizer"));
        let mut anew = false;
        self.state = match moments::load(optimizer, from.optimizer, self.model) {
            Err(_) if other => {
                let mut state = moments::fresh(optimizer, self.model);
                state.iterations = iterations;
                anew = true;
                state
            }
            loaded => loaded?,
        };
        self.epoch = from.position.epoch;
        self.history = from.history;
        self.first_notes = from.provenance;
        self.first_notes
            .remove(conditions::CHANGES)
            .inspect(|earlier| {
                self.changes_noted = Some(earlier.clone());
            });
        if !self.changes.is_empty() {
            let noted =
                conditions::note(self.changes_noted.as_ref(), &self.changes, &from.position);
            self.changes_noted = Some(noted);
        }
        let take_over = |run: &mut Self, mut decisions: Decisions| {
            if new_rate {
                decisions.learning_rate = None;
            }
            // Averages that begin anew have no weights in them to give back.
            if decisions.averages_in_place && !anew {
                run.swapped = true;
                run.swap();
            }
            run.take_over(decisions, tensors);
        };
        if !within_epoch {
            take_over(self, noted.decisions);
            return Ok(());
        }
        let progress: Progress = serde_json::from_str(notes).map_err(unreadable)?;
        self.batch = usize::try_from(from.position.batch).unwrap_or(usize::MAX);
        if self.batch > self.batches {
            let message = format!(
                "it stands at batch {} of an epoch of {}",
                self.batch, self.batches
            );
            return Err(Error::Resume(message));
        }
        self.running = Running::load(progress.running, &self.goal.measured)?;
        take_over(self, progress.decisions);
        Ok(())
    }

    /// Compares what the result depends on; whether a learning rate was changed.
    fn accept(&mut self, from: &Resumption, noted: &Noted, within_epoch: bool) -> Result<bool> {
        let mut was = noted.conditions.clone();
        // Earlier versions wrote down these two only.
        let sizes = [
            ("batch_size", noted.batch_size),
            ("data.samples", noted.samples),
        ];
        for (name, size) in sizes {
            if let Some(size) = size {
                was.entry(name).or_insert_with(|| size.into());
            }
        }
        let was = conditions::whole(was, &from.optimizer, &from.position);
        let is = self.conditions().clone();
        let optimizer = moments::save(&*self.settings.optimizer, &self.state, self.model);
        let Seed(seed) = self.settings.seed;
        let here = Position {
            seed,
            ..Position::default()
        };
        let is = conditions::whole(is, &optimizer, &here);
        let differences = conditions::differences(&was, &is);
        self.changes = conditions::accepted(differences, &from.accept, within_epoch)?;
        let rate = |d: &conditions::Difference| d.name.starts_with("optimizer.learning_rate");
        Ok(self.changes.iter().any(rate))
    }

    /// Made once: a data set may have to look at all of its samples for it.
    fn conditions(&self) -> &Conditions {
        let here = || conditions::here(self.settings, &self.goal, self.data);
        self.conditions.get_or_init(here)
    }

    fn take_over(&mut self, decisions: Decisions, tensors: Tensors) {
        self.control.learning_rate.set(decisions.learning_rate());
        *self.states.borrow_mut() = decisions.callbacks.clone();
        *self.tensors.borrow_mut() = tensors.clone();
        self.saved = Some(Decisions {
            tensors,
            ..decisions
        });
    }

    /// What is known of where this model comes from; the user's own notes win.
    pub(super) fn provenance(&self) -> BTreeMap<String, String> {
        let data = self.data;
        let mut notes = Checkpoint::default()
            .provenance("taper_version", env!("CARGO_PKG_VERSION"))
            .provenance("dataset", data.name())
            .provenance("loss", self.goal.describe())
            .provenance("batch_size", self.settings.batch_size.to_string())
            .provenance("training_samples", data.len().to_string())
            .provenance("epochs", self.settings.epochs.to_string());
        notes = measures::noted(notes, &self.goal);
        if let Some(digest) = data.digest() {
            notes = notes.provenance("dataset_sha256", digest);
        }
        if !data.class_names().is_empty() {
            notes = notes.class_names(data.class_names());
        }
        // What the trainer says of itself holds for this moment; of what the user notes, and of the version, the
        // beginning counts.
        let mut all = self.first_notes.clone();
        let version = notes.provenance.remove_entry("taper_version");
        for (key, value) in self.settings.provenance.clone().into_iter().chain(version) {
            match self.first_notes.get(&key) {
                Some(first) if *first != value => {
                    all.insert(format!("resumed_{key}"), value);
                }
                _ => {
                    all.entry(key).or_insert(value);
                }
            }
        }
        let own = notes.provenance.into_iter();
        let own = own.filter(|(key, _)| !self.settings.provenance.contains_key(key));
        all.extend(own);
        if let Some(changes) = &self.changes_noted {
            all.insert(conditions::CHANGES.into(), changes.clone());
        }
        all
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Resume(format!(
        "its notes on the running epoch cannot be read: {error}"
    ))
}

impl Snapshot for Run<'_, '_> {
    fn checkpoint(&self) -> Checkpoint {
        let mut optimizer = moments::save(&*self.settings.optimizer, &self.state, self.model);
        optimizer
            .slots
            .extend(self.tensors.borrow().iter().cloned());
        Checkpoint {
            optimizer: Some(optimizer),
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
            conditions: self.conditions().clone(),
            running: self.running.save(&self.goal.measured),
            decisions: Decisions {
                learning_rate: self.control.learning_rate.get().map(Number),
                callbacks: self.states.borrow().clone(),
                averages_in_place: self.swapped,
                tensors: Tensors::new(),
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
