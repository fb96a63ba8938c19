//! Stops when a figure no longer becomes better.

use super::Monitor;
use crate::{Callback, Event, Mode, Result, View};
use std::ops::ControlFlow;
use taper_nn::Model;
use taper_tensor::Tensor;

/// Stops training when a figure has not become better for some epochs, as Keras's `EarlyStopping`.
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
    best: Option<(usize, Vec<Tensor>)>,
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
    /// something else breaks training off, the weights stay, so that it can be resumed. After a resume, the weights of a
    /// best epoch before it are gone, and the latest stay.
    #[must_use]
    pub fn restore_best_weights(mut self, on: bool) -> Self {
        self.restore = on;
        self
    }

    fn epoch_ended(&mut self, view: &View<'_>) -> ControlFlow<()> {
        let last = view.history.epochs.len().saturating_sub(1);
        let best = self.monitor.best(view.history);
        if best == Some(last) {
            if self.restore {
                self.best = Some((
                    last,
                    view.model
                        .parameters()
                        .iter()
                        .map(|p| p.value.clone())
                        .collect(),
                ));
            }
            return ControlFlow::Continue(());
        }
        let waited = best.map_or(last + 1, |best| last - best);
        if waited < self.patience.max(1) {
            return ControlFlow::Continue(());
        }
        self.over = true;
        ControlFlow::Break(())
    }
}

impl Callback for EarlyStopping {
    fn prepare(&mut self, view: &View<'_>) -> Result<()> {
        self.monitor.prepare("EarlyStopping", view)
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::TrainingStarted { .. } => {
                (self.best, self.over) = (None, false);
                ControlFlow::Continue(())
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

    fn finish(&mut self, model: &mut Model) -> Result<()> {
        if let (true, Some((_, weights))) = (self.over, self.best.take()) {
            for (parameter, value) in model.parameters_mut().iter_mut().zip(weights) {
                parameter.value = value;
            }
        }
        Ok(())
    }
}
