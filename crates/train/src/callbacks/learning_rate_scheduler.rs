//! Sets the learning rate of every epoch by a function.

use crate::{Callback, Error, Event, Result, View};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Sets the learning rate at the beginning of every epoch, as Keras's `LearningRateScheduler`: the function is given the epoch,
/// from 0, and the learning rate of the moment. What depends on the step alone is better said by a schedule of the optimizer.
///
/// A resumed run goes on with the rate that was set, and asks again when the next epoch begins.
///
/// ```
/// use taper_train::LearningRateScheduler;
/// let callback = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { rate * 0.9 });
/// ```
pub struct LearningRateScheduler<'a> {
    schedule: Box<dyn FnMut(u64, f64) -> f64 + Send + 'a>,
    asked: Asked,
}

/// What a checkpoint holds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Asked {
    /// The epoch, from 1, whose rate was set last.
    epoch: u64,
}

impl<'a> LearningRateScheduler<'a> {
    /// Asks this function for the learning rate. One that is negative or not finite ends `fit` with an error.
    #[must_use]
    pub fn new(schedule: impl FnMut(u64, f64) -> f64 + Send + 'a) -> Self {
        LearningRateScheduler {
            schedule: Box::new(schedule),
            asked: Asked::default(),
        }
    }
}

impl Callback for LearningRateScheduler<'_> {
    fn name(&self) -> String {
        "LearningRateScheduler".into()
    }

    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::TrainingStarted { .. } => self.asked = Asked::default(),
            Event::EpochStarted { epoch, .. } if *epoch > self.asked.epoch => {
                let rate = (self.schedule)(epoch - 1, view.learning_rate());
                view.set_learning_rate(Some(rate));
                self.asked.epoch = *epoch;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn state(&self) -> Option<String> {
        // A number in a named field: there is nothing here that JSON cannot say.
        Some(serde_json::to_string(&self.asked).unwrap_or_default())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        self.asked =
            serde_json::from_str(state).map_err(|error| Error::Resume(error.to_string()))?;
        Ok(())
    }
}
