//! Stops when a figure no longer becomes better.

use super::Monitor;
use crate::{Callback, Error, Event, History, Mode, Result, View, setting};
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
    baseline: Option<f64>,
    /// Epochs before which nothing is looked at.
    start: u64,
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
            baseline: None,
            start: 0,
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

    /// What the figure must have reached (default: nothing). As long as it has not become better than that, an epoch that is
    /// better than those before it ends no waiting: training stops when the patience is over.
    #[must_use]
    pub fn baseline(mut self, value: f64) -> Self {
        self.baseline = Some(value);
        self
    }

    /// How many epochs to let pass before looking at any (default 0): the first that counts is that of this index, from 0.
    #[must_use]
    pub fn start_from_epoch(mut self, epochs: u64) -> Self {
        self.start = epochs;
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
        if self.restore && self.look(view.history).best == Some(last) {
            let parameters = view.model.parameters().iter();
            let weights = parameters.map(|p| (p.name.clone(), p.value.clone()));
            self.best = Some((last, weights.collect()));
        }
        self.stop(view.history)
    }

    fn stop(&mut self, history: &History) -> ControlFlow<()> {
        if !self.look(history).enough {
            return ControlFlow::Continue(());
        }
        self.over = true;
        ControlFlow::Break(())
    }

    /// What the history says, epoch by epoch as it came.
    fn look(&self, history: &History) -> Look {
        let (mut best, mut waited, mut enough) = (None, 0, false);
        for (epoch, record) in history.epochs.iter().enumerate() {
            let value = record.get(&self.monitor.name);
            let Some(value) = value.filter(|_| epoch as u64 >= self.start) else {
                continue;
            };
            waited += 1;
            let improved = best.map_or(!value.is_nan(), |(_, best)| {
                self.monitor.better(value, best)
            });
            if !improved {
                enough = waited >= self.patience.max(1);
                continue;
            }
            (best, enough) = (Some((epoch, value)), false);
            if self
                .baseline
                .is_none_or(|baseline| self.monitor.better(value, baseline))
            {
                waited = 0;
            }
        }
        Look {
            best: best.map(|(epoch, _)| epoch),
            enough,
        }
    }
}

/// What early stopping makes of a history.
struct Look {
    /// Index of the best epoch, if any counts.
    best: Option<usize>,
    /// Whether the patience is over.
    enough: bool,
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
        if self.baseline.is_some_and(f64::is_nan) {
            let fault = "baseline is NaN, it must be a number".to_owned();
            return Err(setting::of("EarlyStopping", fault));
        }
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
                let best = self.look(view.history).best;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EpochRecord;

    /// After how many epochs it stops, and the index of the best of them.
    fn stops(callback: &EarlyStopping, losses: &[f64]) -> (Option<usize>, Option<usize>) {
        let mut history = History::default();
        for (i, &val_loss) in losses.iter().enumerate() {
            history.epochs.push(EpochRecord {
                val_loss: Some(val_loss),
                ..EpochRecord::default()
            });
            let Look { best, enough } = callback.look(&history);
            if enough {
                return (Some(i + 1), best);
            }
        }
        (None, callback.look(&history).best)
    }

    /// The numbers of epochs are those of Keras 3.15 for the same losses.
    #[test]
    fn it_stops_where_keras_does() {
        let losses = [5.0, 4.0, 3.5, 3.75, 3.25, 3.5, 3.5, 3.0];
        let on = || EarlyStopping::on("val_loss");
        assert_eq!(stops(&on(), &losses), (Some(4), Some(2)));
        assert_eq!(stops(&on().patience(1), &losses), (Some(4), Some(2)));
        assert_eq!(stops(&on().patience(2), &losses), (Some(7), Some(4)));
        assert_eq!(stops(&on().patience(3), &losses), (None, Some(7)));
        // Better than before, but not than the baseline: the waiting goes on.
        let baseline = on().patience(3).baseline(1.0);
        assert_eq!(stops(&baseline, &losses), (Some(4), Some(2)));
        assert_eq!(
            stops(&on().patience(3).baseline(3.6), &losses),
            (None, Some(7))
        );
        let late = on().start_from_epoch(3);
        assert_eq!(stops(&late, &losses), (Some(6), Some(4)));
        assert_eq!(stops(&on().start_from_epoch(9), &losses), (None, None));
        assert_eq!(stops(&on().min_delta(0.6), &losses), (Some(3), Some(1)));
    }
}
