//! Saves the model while it is trained.

use super::Monitor;
use crate::{Callback, Error, Event, Mode, Result, View};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};
use taper_checkpoint::Checkpoint;
use taper_nn::Model;

/// Saves checkpoints to one file, atomically, replacing the one before: either the latest state, to go on from after any
/// accident, or the best epoch. A file that cannot be written there (no such folder, no right to) is an error of `fit` before
/// its first batch.
///
/// ```
/// use std::time::Duration;
/// use taper_train::ModelCheckpoint;
/// let last = ModelCheckpoint::last("last.taper").every(Duration::from_secs(30));
/// let best = ModelCheckpoint::best("best.taper").monitor("val_accuracy");
/// ```
#[derive(Debug)]
pub struct ModelCheckpoint {
    path: PathBuf,
    /// `None`: the latest state.
    best: Option<Monitor>,
    every_batches: Option<usize>,
    every: Option<Duration>,
    saved: Instant,
    failed: Option<Error>,
}

impl ModelCheckpoint {
    /// Saves the latest state after every epoch, and where training is broken off.
    #[must_use]
    pub fn last(path: impl Into<PathBuf>) -> Self {
        let (path, saved) = (path.into(), Instant::now());
        ModelCheckpoint {
            path,
            best: None,
            every_batches: None,
            every: None,
            saved,
            failed: None,
        }
    }

    /// Saves an epoch whose validation loss is lower than those of all epochs before it, also before a resume. Where the
    /// file of the epoch that a resume goes on behind could not be written (a disk was full), it is written before the
    /// next batch: after that, nobody has its weights any more.
    #[must_use]
    pub fn best(path: impl Into<PathBuf>) -> Self {
        ModelCheckpoint {
            best: Some(Monitor::new("val_loss")),
            ..Self::last(path)
        }
    }

    /// Chooses the best epoch by another figure: losses should fall, accuracies rise, and metrics know themselves. A
    /// figure that is not measured is an error of `fit` before its first batch.
    #[must_use]
    pub fn monitor(mut self, figure: impl Into<String>) -> Self {
        let told = self.best.as_ref().and_then(|monitor| monitor.told);
        self.best = Some(Monitor {
            told,
            ..Monitor::new(figure)
        });
        self
    }

    /// Which way the figure becomes better; needed only where that is not known. For the best epoch, that is: the latest
    /// state needs none.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        if let Some(monitor) = &mut self.best {
            monitor.told = Some(mode);
        }
        self
    }

    /// Saves the latest state after every so many batches of an epoch, too.
    #[must_use]
    pub fn every_batches(mut self, count: usize) -> Self {
        self.every_batches = (count > 0).then_some(count);
        self
    }

    /// Saves the latest state, at the end of a batch, whenever so much time has passed since the last saving, too.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = Some(interval);
        self
    }

    fn wanted(&self, event: &Event<'_>, view: &View<'_>) -> bool {
        if let Some(monitor) = &self.best {
            let Event::EpochEnded(_) = event else {
                return false;
            };
            let best = monitor.best(view.history);
            return best.is_some_and(|best| best + 1 == view.history.epochs.len());
        }
        match event {
            Event::EpochEnded(_) | Event::TrainingEnded { stopped: true } => true,
            Event::BatchEnded { batch, .. } => {
                let counted = self.every_batches.is_some_and(|every| batch % every == 0);
                counted
                    || self
                        .every
                        .is_some_and(|every| self.saved.elapsed() >= every)
            }
            _ => false,
        }
    }

    /// Whether the state that is gone on from is that of the best epoch, and the file is not of it: it could not be written
    /// when the epoch ended, and what was written behind it could.
    fn is_owed(&self, view: &View<'_>) -> bool {
        let epochs = view.history.epochs.len();
        let best = self
            .best
            .as_ref()
            .and_then(|monitor| monitor.best(view.history));
        let here = view.position();
        if best.is_none_or(|best| best + 1 != epochs) || here.batch != 0 {
            return false;
        }
        // Another training's file may have been there before.
        Checkpoint::load(&self.path).map_or(true, |saved| {
            let there = saved.position.unwrap_or_default();
            (there.epoch, there.batch) != (here.epoch, 0)
                || saved.history != view.checkpoint().history
        })
    }

    fn save_if_wanted(&mut self, event: &Event<'_>, view: &View<'_>) -> Result<()> {
        if self.wanted(event, view) {
            view.checkpoint().save(&self.path)?;
            self.saved = Instant::now();
        }
        Ok(())
    }
}

impl Callback for ModelCheckpoint {
    fn prepare(&mut self, view: &View<'_>) -> Result<()> {
        if let Some(monitor) = &mut self.best {
            monitor.prepare("ModelCheckpoint", view)?;
        }
        Checkpoint::can_save(&self.path)?;
        if self.is_owed(view) {
            view.checkpoint().save(&self.path)?;
        }
        Ok(())
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        if let Event::TrainingStarted { .. } = event {
            self.saved = Instant::now();
        }
        match self.save_if_wanted(event, view) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn finish(&mut self, _model: &mut Model) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}
