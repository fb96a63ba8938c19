//! Callbacks that Keras has too. A resumed run decides as an uninterrupted one does: early stopping and the choice of the
//! best epoch are pure functions of the history, and what else is remembered goes into checkpoints.

mod csv_logger;
mod early_stopping;
mod lambda_callback;
mod learning_rate_scheduler;
mod model_checkpoint;
mod reduce_lr_on_plateau;
mod stop_flag;
mod swap_ema_weights;
mod terminate_on_nan;

pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use stop_flag::StopFlag;
pub use swap_ema_weights::SwapEMAWeights;
pub use terminate_on_nan::TerminateOnNaN;

use crate::{Error, History, Mode, Result, View, figures::Figures, setting};

/// A figure of the history that is to become better.
#[derive(Clone, Debug)]
struct Monitor {
    name: String,
    /// Which way is better, if the user said so.
    told: Option<Mode>,
    /// Which way is better in this run.
    mode: Mode,
    /// How much better it must become to count.
    min_delta: f64,
}

impl Monitor {
    fn new(name: impl Into<String>) -> Self {
        Monitor {
            name: name.into(),
            told: None,
            mode: Mode::Min,
            min_delta: 0.0,
        }
    }

    /// Before the first batch: whether the figure will be measured, and which way it becomes better.
    fn prepare(&mut self, callback: &'static str, view: &View<'_>) -> Result<()> {
        self.find(callback, view.figures)
    }

    fn find(&mut self, callback: &'static str, figures: &Figures) -> Result<()> {
        setting::not_negative("min_delta", self.min_delta)
            .map_err(|fault| setting::of(callback, fault))?;
        let known = figures
            .find(&self.name)
            .ok_or_else(|| self.unknown(callback, figures))?;
        self.mode = self.told.or(known).ok_or_else(|| Error::UnknownMode {
            callback,
            name: self.name.clone(),
        })?;
        Ok(())
    }

    fn better(&self, value: f64, than: f64) -> bool {
        self.mode.is_better(value, than, self.min_delta)
    }

    /// Index of the best epoch of the history among those that may be, if it has any. Epochs of NaN are never best, nor are
    /// epochs before a resume that did not measure the figure, nor what is not better than the threshold.
    fn best(
        &self,
        history: &History,
        may_be: impl Fn(usize) -> bool,
        threshold: Option<f64>,
    ) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (epoch, record) in history.epochs.iter().enumerate() {
            let value = record.get(&self.name);
            let Some(value) = value.filter(|value| may_be(epoch) && !value.is_nan()) else {
                continue;
            };
            let than = best.map(|(_, best)| best).or(threshold);
            if than.is_none_or(|than| self.better(value, than)) {
                best = Some((epoch, value));
            }
        }
        best.map(|(epoch, _)| epoch)
    }

    fn unknown(&self, callback: &'static str, figures: &Figures) -> Error {
        let validation = self.name.starts_with("val_") && figures.find("val_loss").is_none();
        let accuracy = self.name.ends_with("accuracy") && figures.find("accuracy").is_none();
        let hint = match (validation, accuracy) {
            (true, _) => "; give the trainer a validation set",
            (_, true) => "; ask for it with .metric(Accuracy)",
            _ => "",
        };
        Error::UnknownFigure {
            callback,
            name: self.name.clone(),
            available: figures.names().collect::<Vec<_>>().join(", "),
            hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataLoss, EpochRecord, Metric, TopKAccuracy, measured::Measured};
    use taper_nn::{CategoricalCrossentropy, Loss, MeanSquaredError};

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

    /// What a run has with this loss and without validation.
    fn figures(loss: &dyn Loss) -> Figures {
        let metrics: Vec<Box<dyn Metric>> = vec![Box::new(TopKAccuracy::new(2))];
        let measured = Measured::new(&metrics, loss, &[3], &[3]).unwrap();
        Figures::new(DataLoss::CrossEntropy, &measured, None, Some(&measured))
    }

    fn monitor(name: &str, told: Option<Mode>) -> Result<Monitor> {
        let mut monitor = Monitor {
            told,
            ..Monitor::new(name)
        };
        monitor.find("test", &figures(&CategoricalCrossentropy))?;
        Ok(monitor)
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_lowest_loss_or_the_highest_accuracy() {
        let history = history(&[3.0, f64::NAN, 1.0, 2.0, 1.0]);
        assert_eq!(
            Monitor::new("val_loss").best(&history, |_| true, None),
            Some(2)
        );
        assert_eq!(
            monitor("accuracy", None)
                .unwrap()
                .best(&history, |_| true, None),
            Some(2)
        );
        let nan = self::history(&[f64::NAN, 5.0]);
        assert_eq!(Monitor::new("val_loss").best(&nan, |_| true, None), Some(1));
        assert_eq!(Monitor::new("val_r2").best(&nan, |_| true, None), None);
    }

    #[test]
    fn a_small_improvement_does_not_count() {
        let monitor = Monitor {
            min_delta: 0.5,
            ..Monitor::new("val_loss")
        };
        assert_eq!(
            monitor.best(&history(&[3.0, 2.75, 2.25, 2.0]), |_| true, None),
            Some(2)
        );
    }

    #[test]
    fn every_figure_knows_its_way_or_must_be_told() {
        let mode = |name: &str, told| monitor(name, told).map(|monitor| monitor.mode);
        assert_eq!(mode("loss", None).unwrap(), Mode::Min);
        assert_eq!(mode("data_loss", None).unwrap(), Mode::Min);
        assert_eq!(mode("train_cross_entropy", None).unwrap(), Mode::Min);
        assert_eq!(mode("train_accuracy", None).unwrap(), Mode::Max);
        assert_eq!(mode("top_2_accuracy", None).unwrap(), Mode::Max);
        // What the user says counts.
        assert_eq!(mode("loss", Some(Mode::Max)).unwrap(), Mode::Max);
        assert_eq!(mode("learning_rate", Some(Mode::Min)).unwrap(), Mode::Min);
        let error = mode("learning_rate", None).unwrap_err().to_string();
        assert!(
            error.contains("learning_rate") && error.contains(".mode(Mode::Max)"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_figure_is_named_with_those_there_are() {
        let error = monitor("val_loss", Some(Mode::Min))
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
        let mut accuracy = Monitor::new("accuracy");
        let error = accuracy
            .find("test", &figures(&MeanSquaredError))
            .unwrap_err();
        assert!(error.to_string().contains(".metric(Accuracy)"), "{error}");
    }
}
