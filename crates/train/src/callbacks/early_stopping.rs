//! Stops when a figure no longer becomes better.

use super::Monitor;
use crate::{Callback, Error, Event, History, Mode, Result, View};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use taper_nn::Model;
use taper_tensor::Tensor;

/// Stops training when a figure has not become better for some epochs, as Keras's `EarlyStopping`. An epoch whose figure is
/// NaN is one without improvement; epochs in which it was not measured (before a resume with other settings) do not count.
///
/// It goes by the history, so that a resumed run stops where an uninterrupted one does, and one that had stopped does not
/// train on, unless it is given more patience.
///
/// ```
/// use taper_train::EarlyStopping;
/// let callback = EarlyStopping::on("val_loss").patience(3).restore_best_weights(true);
/// ```
#[derive(Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: usize,
    restore: bool,
    /// Weights of the best epoch, with its index.
    best: Option<(usize, Vec<(String, Tensor)>)>,
    /// The epoch of the weights that a checkpoint is about to give back.
    awaited: Option<usize>,
    /// Training has come to an end at which the best weights are wanted.
    over: bool,
}

impl EarlyStopping {
    /// Watches a figure of [`EpochRecord`](crate::EpochRecord) by its name. Losses should fall, accuracies rise, and
    /// metrics know themselves. A figure that is not measured is an error of `fit` before its first batch.
    #[must_use]
    pub fn on(figure: impl Into<String>) -> Self {
        let monitor = Monitor::new(figure);
        EarlyStopping {
            monitor,
            patience: 0,
            restore: false,
            best: None,
            awaited: None,
            over: false,
        }
    }

    /// Which way the figure becomes better; needed only where that is not known (`learning_rate`).
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.monitor.told = Some(mode);
        self
    }

    /// How many epochs without improvement to wait through (default 0).
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// How much better the figure must become to count as improved (default 0).
    #[must_use]
    pub fn min_delta(mut self, amount: f64) -> Self {
        self.monitor.min_delta = amount.abs();
        self
    }

    /// At the end, whether stopped early or not, gives the model the weights of the best epoch (default off). When
    /// something else breaks training off, the weights stay, so that it can be resumed. The best weights are part of
    /// checkpoints, which become larger by them. (Those of earlier versions do not hold them: where the best epoch lies
    /// before such a checkpoint, the latest weights stay.)
    #[must_use]
    pub fn restore_best_weights(mut self, on: bool) -> Self {
        self.restore = on;
        self
    }

    fn epoch_ended(&mut self, view: &View<'_>) -> ControlFlow<()> {
        let last = view.history.epochs.len().saturating_sub(1);
        if self.restore && self.monitor.best(view.history) == Some(last) {
            let parameters = view.model.parameters().iter();
            let weights = parameters.map(|p| (p.name.clone(), p.value.clone()));
            self.best = Some((last, weights.collect()));
        }
        self.stop(view.history)
    }

    fn stop(&mut self, history: &History) -> ControlFlow<()> {
        let since = self.monitor.best(history).map_or(0, |best| best + 1);
        let later = history.epochs[since..].iter();
        let waited = later.filter(|record| record.get(&self.monitor.name).is_some());
        if waited.count() < self.patience.max(1) {
            return ControlFlow::Continue(());
        }
        self.over = true;
        ControlFlow::Break(())
    }
}

/// What a checkpoint holds beside the weights.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Index of their epoch.
    best: Option<usize>,
}

impl Callback for EarlyStopping {
    fn name(&self) -> String {
        // One that keeps no weights must not be given those of another.
        match self.restore {
            true => format!("EarlyStopping({})", self.monitor.name),
            false => "EarlyStopping".into(),
        }
    }

    fn prepare(&mut self, view: &View<'_>) -> Result<()> {
        self.monitor.prepare("EarlyStopping", view)
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::TrainingStarted { .. } => {
                (self.best, self.awaited, self.over) = (None, None, false);
                // Within an epoch it was not time to stop.
                match view.position().batch {
                    0 => self.stop(view.history),
                    _ => ControlFlow::Continue(()),
                }
            }
            Event::EpochEnded(_) => self.epoch_ended(view),
            Event::TrainingEnded { stopped } => {
                self.over |= !stopped;
                let best = self.monitor.best(view.history);
                self.best.take_if(|(epoch, _)| Some(*epoch) != best);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn state(&self) -> Option<String> {
        let best = self.best.as_ref().map(|(epoch, _)| *epoch);
        // A number in a named field: there is nothing here that JSON cannot say.
        self.restore
            .then(|| serde_json::to_string(&Kept { best }).unwrap_or_default())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        let kept: Kept =
            serde_json::from_str(state).map_err(|error| Error::Resume(error.to_string()))?;
        self.awaited = kept.best;
        Ok(())
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let best = self.best.iter();
        best.flat_map(|(_, weights)| weights.iter().cloned())
            .collect()
    }

    fn restore_tensors(&mut self, tensors: Vec<(String, Tensor)>, view: &View<'_>) -> Result<()> {
        let Some(epoch) = self.awaited.take() else {
            return Ok(());
        };
        let here = view.model.parameters().iter();
        let here = here.map(|p| (p.name.as_str(), p.value.shape()));
        let there = tensors.iter().map(|(name, t)| (name.as_str(), t.shape()));
        if !here.eq(there) {
            let message = "its weights of the best epoch are not those of this model";
            return Err(Error::Resume(message.into()));
        }
        self.best = Some((epoch, tensors));
        Ok(())
    }

    fn finish(&mut self, model: &mut Model) -> Result<()> {
        if let (true, Some((_, weights))) = (self.over, self.best.take()) {
            for (parameter, (_, value)) in model.parameters_mut().iter_mut().zip(weights) {
                parameter.value = value;
            }
        }
        Ok(())
    }
}
