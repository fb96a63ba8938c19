//! Callbacks that Keras has too. The first two are pure functions of the history, so a resumed run decides as an
//! uninterrupted one does.

mod early_stopping;
mod model_checkpoint;
mod stop_flag;

pub use early_stopping::EarlyStopping;
pub use model_checkpoint::ModelCheckpoint;
pub use stop_flag::StopFlag;

use crate::{Error, History, Result};

/// A figure of the history that is to become better.
#[derive(Clone, Debug)]
struct Monitor {
    name: String,
    /// How much better it must become to count.
    min_delta: f64,
}

impl Monitor {
    fn new(name: impl Into<String>) -> Self {
        Monitor {
            name: name.into(),
            min_delta: 0.0,
        }
    }

    /// As Keras's mode `auto`: what is called an accuracy should rise, everything else fall.
    fn better(&self, value: f64, than: f64) -> bool {
        if self.name.contains("acc") {
            value - self.min_delta > than
        } else {
            value + self.min_delta < than
        }
    }

    /// Index of the best epoch of the history, if it has any. Epochs of NaN are never best.
    fn best(&self, callback: &'static str, history: &History) -> Result<Option<usize>> {
        let mut best: Option<(usize, f64)> = None;
        for (epoch, record) in history.epochs.iter().enumerate() {
            let value = record
                .get(&self.name)
                .ok_or_else(|| self.unknown(callback, record))?;
            let improved = best.map_or(!value.is_nan(), |(_, best)| self.better(value, best));
            if improved {
                best = Some((epoch, value));
            }
        }
        Ok(best.map(|(epoch, _)| epoch))
    }

    fn unknown(&self, callback: &'static str, record: &crate::EpochRecord) -> Error {
        let validation = self.name.starts_with("val_") && record.val_loss.is_none();
        let hint = if validation {
            "; give the trainer a validation set"
        } else {
            ""
        };
        Error::UnknownFigure {
            callback,
            name: self.name.clone(),
            available: record.names().join(", "),
            hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EpochRecord;

    fn history(losses: &[f64]) -> History {
        let record = |&val_loss| EpochRecord {
            val_loss: Some(val_loss),
            accuracy: Some(-val_loss),
            ..EpochRecord::default()
        };
        History {
            epochs: losses.iter().map(record).collect(),
        }
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_lowest_loss_or_the_highest_accuracy() {
        let history = history(&[3.0, f64::NAN, 1.0, 2.0, 1.0]);
        for name in ["val_loss", "accuracy"] {
            assert_eq!(
                Monitor::new(name).best("test", &history).unwrap(),
                Some(2),
                "{name}"
            );
        }
        let nan = self::history(&[f64::NAN, 5.0]);
        assert_eq!(
            Monitor::new("val_loss").best("test", &nan).unwrap(),
            Some(1)
        );
    }

    #[test]
    fn a_small_improvement_does_not_count() {
        let monitor = Monitor {
            min_delta: 0.5,
            ..Monitor::new("val_loss")
        };
        assert_eq!(
            monitor
                .best("test", &history(&[3.0, 2.75, 2.25, 2.0]))
                .unwrap(),
            Some(2)
        );
    }

    #[test]
    fn an_unknown_figure_is_named_with_those_there_are() {
        let history = History {
            epochs: vec![EpochRecord {
                accuracy: Some(0.5),
                ..EpochRecord::default()
            }],
        };
        let error = Monitor::new("val_loss")
            .best("EarlyStopping", &history)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("val_loss is not measured; there is loss, accuracy"),
            "{error}"
        );
        assert!(
            error.contains("give the trainer a validation set"),
            "{error}"
        );
    }
}
