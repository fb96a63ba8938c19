//! Lowers the learning rate when a figure no longer becomes better.

use super::Monitor;
use crate::{Callback, Error, Event, Mode, Result, View, number::Number, setting};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Multiplies the learning rate by a factor when a figure has not become better for some epochs, as Keras's
/// `ReduceLROnPlateau`. From then on the rate stays as it was set, whatever the optimizer's schedule says. What it has
/// seen and set is part of a checkpoint.
///
/// ```
/// use taper_train::ReduceLROnPlateau;
/// let callback = ReduceLROnPlateau::on("val_loss").factor(0.5).patience(3).min_lr(1e-5);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: Monitor,
    factor: f64,
    patience: u64,
    cooldown: u64,
    min_lr: f64,
    seen: Seen,
}

/// What it goes by.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Seen {
    best: Option<Number>,
    /// Epochs without improvement.
    waited: u64,
    /// Epochs left in which nothing is counted.
    cooling: u64,
}

impl ReduceLROnPlateau {
    /// Watches a figure of [`EpochRecord`](crate::EpochRecord) by its name, with Keras's defaults: factor 0.1, patience
    /// 10, min_delta 1e-4, cooldown 0, min_lr 0. Losses should fall, accuracies rise, and metrics know themselves.
    #[must_use]
    pub fn on(figure: impl Into<String>) -> Self {
        let mut monitor = Monitor::new(figure);
        monitor.min_delta = 1e-4;
        ReduceLROnPlateau {
            monitor,
            factor: 0.1,
            patience: 10,
            cooldown: 0,
            min_lr: 0.0,
            seen: Seen::default(),
        }
    }

    /// What the learning rate is multiplied by: at least 0, less than 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How many epochs without improvement to wait through.
    #[must_use]
    pub fn patience(mut self, epochs: u64) -> Self {
        self.patience = epochs;
        self
    }

    /// How much better the figure must become to count as improved.
    #[must_use]
    pub fn min_delta(mut self, amount: f64) -> Self {
        self.monitor.min_delta = amount.abs();
        self
    }

    /// How many epochs after a reduction are not counted.
    #[must_use]
    pub fn cooldown(mut self, epochs: u64) -> Self {
        self.cooldown = epochs;
        self
    }

    /// The lowest learning rate that it sets.
    #[must_use]
    pub fn min_lr(mut self, rate: f64) -> Self {
        self.min_lr = rate;
        self
    }

    /// Which way the figure becomes better; needed only where that is not known.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.monitor.told = Some(mode);
        self
    }

    fn epoch_ended(&mut self, value: f64, view: &View<'_>) {
        let seen = &mut self.seen;
        if seen.cooling > 0 {
            seen.cooling -= 1;
            seen.waited = 0;
        }
        let improved = match seen.best {
            None => !value.is_nan(),
            Some(best) => self.monitor.better(value, best.0),
        };
        if improved {
            (seen.best, seen.waited) = (Some(Number(value)), 0);
        } else if seen.cooling == 0 {
            seen.waited += 1;
            let rate = view.learning_rate();
            if seen.waited >= self.patience && rate > self.min_lr {
                view.set_learning_rate(Some((rate * self.factor).max(self.min_lr)));
                (seen.cooling, seen.waited) = (self.cooldown, 0);
            }
        }
    }
}

impl Callback for ReduceLROnPlateau {
    fn name(&self) -> String {
        format!("ReduceLROnPlateau({})", self.monitor.name)
    }

    fn prepare(&mut self, view: &View<'_>) -> Result<()> {
        setting::below_one("factor", self.factor)
            .and_then(|()| setting::not_negative("min_lr", self.min_lr))
            .map_err(|fault| setting::of("ReduceLROnPlateau", fault))?;
        self.monitor.prepare("ReduceLROnPlateau", view)
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::TrainingStarted { .. } => self.seen = Seen::default(),
            Event::EpochEnded(record) => {
                if let Some(value) = record.get(&self.monitor.name) {
                    self.epoch_ended(value, view);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn state(&self) -> Option<String> {
        // Numbers in named fields: there is nothing here that JSON cannot say.
        Some(serde_json::to_string(&self.seen).unwrap_or_default())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        self.seen =
            serde_json::from_str(state).map_err(|error| Error::Resume(error.to_string()))?;
        Ok(())
    }
}
