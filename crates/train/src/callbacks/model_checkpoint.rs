//! Saves the model while it is trained.

use super::Monitor;
use crate::{Callback, Error, Event, History, Mode, Result, View, setting};
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
/// let five = ModelCheckpoint::last("epoch-{epoch:03}.taper").every_epochs(2).keep_last(5);
/// ```
///
/// # Several files
/// `{epoch}` in the name of the file stands for the number of complete epochs, `{epoch:03}` for that in three digits (Keras's
/// `{epoch:03d}` does, too): each saving then has a file of its own, of which [`keep_last`](Self::keep_last) keeps some.
#[derive(Debug)]
pub struct ModelCheckpoint {
    path: PathBuf,
    /// `None`: the latest state.
    best: Option<Monitor>,
    every_batches: Option<usize>,
    every: Option<Duration>,
    every_epochs: u64,
    keep: Option<usize>,
    threshold: Option<f64>,
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
            every_epochs: 1,
            keep: None,
            threshold: None,
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

    /// Saves after every so many epochs (default 1; Keras's `save_freq`, which counts batches), the best of them if only the
    /// best is saved. Where training is broken off, the latest state is saved all the same.
    #[must_use]
    pub fn every_epochs(mut self, count: u64) -> Self {
        self.every_epochs = count;
        self
    }

    /// How many files to keep (default: all), where the name of the file has an `{epoch}`: after each saving those of
    /// earlier epochs are removed but for so many, the new one included, whichever training wrote them.
    #[must_use]
    pub fn keep_last(mut self, files: usize) -> Self {
        self.keep = Some(files);
        self
    }

    /// What the figure must be better than before anything is saved as the best (default: nothing), as Keras's
    /// `initial_value_threshold`.
    #[must_use]
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.threshold = Some(value);
        self
    }

    /// The file of an epoch.
    fn file(&self, epoch: u64) -> PathBuf {
        let Some((before, digits, after)) = self.pattern() else {
            return self.path.clone();
        };
        let name = format!("{before}{epoch:0digits$}{after}");
        self.path.with_file_name(name)
    }

    /// What stands around `{epoch}` in the name of the file, and how many digits it has at least.
    fn pattern(&self) -> Option<(&str, usize, &str)> {
        let name = self.path.file_name()?.to_str()?;
        let (before, rest) = name.split_once("{epoch")?;
        let (digits, after) = rest.split_once('}')?;
        let digits = match digits {
            "" => 0,
            _ => digits
                .strip_prefix(':')?
                .trim_end_matches('d')
                .parse()
                .ok()?,
        };
        (digits <= 20).then_some((before, digits, after))
    }

    /// Removes the files of earlier epochs that are too many.
    fn thin_out(&self, epoch: u64) {
        let (Some(keep), Some(_)) = (self.keep, self.pattern()) else {
            return;
        };
        let earlier = (0..epoch).rev().map(|epoch| self.file(epoch));
        for file in earlier.filter(|file| file.is_file()).skip(keep - 1) {
            // Somebody else's file may have gone in between, and one too many is no reason to stop training.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Index of the best epoch of the history, among those that may be saved.
    fn best_epoch(&self, monitor: &Monitor, history: &History) -> Option<usize> {
        let every = self.every_epochs;
        let may_be = |epoch: usize| (epoch as u64 + 1).is_multiple_of(every);
        monitor.best(history, may_be, self.threshold)
    }

    fn wanted(&self, event: &Event<'_>, view: &View<'_>) -> bool {
        if let Some(monitor) = &self.best {
            let Event::EpochEnded(_) = event else {
                return false;
            };
            let best = self.best_epoch(monitor, view.history);
            return best.is_some_and(|best| best + 1 == view.history.epochs.len());
        }
        match event {
            Event::EpochEnded(_) => {
                let epochs = view.history.epochs.len() as u64;
                epochs.is_multiple_of(self.every_epochs)
            }
            Event::TrainingEnded { stopped: true } => true,
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
            .and_then(|monitor| self.best_epoch(monitor, view.history));
        let here = view.position();
        if best.is_none_or(|best| best + 1 != epochs) || here.batch != 0 {
            return false;
        }
        // Another training's file may have been there before.
        Checkpoint::load(self.file(epochs as u64)).map_or(true, |saved| {
            let there = saved.position.unwrap_or_default();
            (there.epoch, there.batch) != (here.epoch, 0)
                || saved.history != view.checkpoint().history
        })
    }

    fn save_if_wanted(&mut self, event: &Event<'_>, view: &View<'_>) -> Result<()> {
        if self.wanted(event, view) {
            let epoch = view.history.epochs.len() as u64;
            view.checkpoint().save(self.file(epoch))?;
            self.thin_out(epoch);
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
        let fault = |fault: &str| Err(setting::of("ModelCheckpoint", fault.to_owned()));
        if self.every_epochs == 0 {
            return fault("every_epochs is 0, it must be at least 1");
        }
        if self.keep == Some(0) {
            return fault("keep_last is 0, it must be at least 1");
        }
        if self.keep.is_some() && self.pattern().is_none() {
            return fault("keep_last wants a file an epoch, such as epoch-{epoch}.taper");
        }
        let epoch = view.history.epochs.len() as u64;
        Checkpoint::can_save(self.file(epoch))?;
        if self.is_owed(view) {
            view.checkpoint().save(self.file(epoch))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EpochRecord;

    #[test]
    fn epochs_stand_in_names() {
        let file = |name: &str| ModelCheckpoint::last(name).file(7);
        assert_eq!(
            file("runs/a-{epoch}.taper"),
            PathBuf::from("runs/a-7.taper")
        );
        assert_eq!(file("a-{epoch:03}"), PathBuf::from("a-007"));
        assert_eq!(file("a-{epoch:02d}.b"), PathBuf::from("a-07.b"));
        for plain in ["a.taper", "{epoch", "a-{epoch:x}", "a-{epoch:999}"] {
            assert_eq!(file(plain), PathBuf::from(plain));
        }
    }

    #[test]
    fn what_may_be_the_best_can_be_limited() {
        let record = |&val_loss: &f64| EpochRecord {
            val_loss: Some(val_loss),
            ..EpochRecord::default()
        };
        let losses = [3.0, 5.0, 1.0, 2.0, f64::NAN, 1.5];
        let history = History {
            epochs: losses.iter().map(record).collect(),
        };
        let best = |callback: ModelCheckpoint| {
            let monitor = callback.best.as_ref().unwrap();
            callback.best_epoch(monitor, &history)
        };
        let callback = || ModelCheckpoint::best("x");
        assert_eq!(best(callback()), Some(2));
        assert_eq!(best(callback().every_epochs(2)), Some(5));
        assert_eq!(best(callback().initial_value_threshold(0.5)), None);
        assert_eq!(best(callback().initial_value_threshold(1.25)), Some(2));
    }
}
