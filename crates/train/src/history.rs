//! The figures of a run, epoch by epoch, with Keras's names.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures of one epoch; as JSON, a line of a JSON Lines history. Losses include penalties, as Keras's do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Mean over the epoch's samples of loss and penalty, each batch with the weights of its moment and dropout on.
    pub loss: f64,
    /// Running accuracy, likewise; `None` where the loss tells no classes apart and it was not asked for.
    pub accuracy: Option<f64>,
    /// The part of `loss` that is the loss function's (cross-entropy, squared error, …).
    pub cross_entropy: f64,
    /// The part of `loss` that is the regularizers'.
    pub penalty: f64,
    /// Loss on the validation set at the end of the epoch, penalty included.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation set at the end of the epoch.
    pub val_accuracy: Option<f64>,
    /// `val_loss` without penalty.
    pub val_cross_entropy: Option<f64>,
    /// Penalty of the weights at the end of the epoch (a part of `val_loss`).
    pub end_penalty: f64,
    /// Accuracy on the training set at the end of the epoch, dropout off (if asked for).
    pub train_accuracy: Option<f64>,
    /// Loss on the training set at the end of the epoch, dropout off, without penalty (if asked for).
    pub train_cross_entropy: Option<f64>,
    /// Other metrics by name: running (`top_5_accuracy`), `val_top_5_accuracy`, `train_top_5_accuracy`.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Seconds that the epoch took, measurements included.
    pub seconds: f64,
    /// Training samples a second (without the measurements at the end).
    pub images_per_second: f64,
}

impl EpochRecord {
    /// A figure by its name, e.g. `val_loss`; `None` when it was not measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        match self.figures().into_iter().find(|(n, _)| *n == name) {
            Some((_, value)) => value,
            None => self.metrics.get(name).copied(),
        }
    }

    /// Names of the figures that were measured.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let measured = self
            .figures()
            .into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| name);
        measured
            .chain(self.metrics.keys().map(String::as_str))
            .collect()
    }

    fn figures(&self) -> [(&'static str, Option<f64>); 11] {
        [
            ("loss", Some(self.loss)),
            ("accuracy", self.accuracy),
            ("cross_entropy", Some(self.cross_entropy)),
            ("penalty", Some(self.penalty)),
            ("val_loss", self.val_loss),
            ("val_accuracy", self.val_accuracy),
            ("val_cross_entropy", self.val_cross_entropy),
            ("end_penalty", Some(self.end_penalty)),
            ("train_accuracy", self.train_accuracy),
            ("train_cross_entropy", self.train_cross_entropy),
            ("learning_rate", Some(self.learning_rate)),
        ]
    }
}

/// The epochs of a run that are complete, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record an epoch.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// The latest epoch.
    #[must_use]
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// A figure of every epoch in which it was measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Vec<f64> {
        self.epochs
            .iter()
            .filter_map(|record| record.get(name))
            .collect()
    }

    pub(crate) fn to_json(&self) -> String {
        // Strings, numbers and maps with string keys: there is nothing here that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        if json.is_empty() {
            Ok(History::default())
        } else {
            serde_json::from_str(json)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> EpochRecord {
        let metrics = BTreeMap::from([("val_top_5_accuracy".to_owned(), 1.0 / 3.0)]);
        EpochRecord {
            epoch: 2,
            loss: 0.1 + 0.2,
            val_loss: Some(1e-300),
            metrics,
            ..EpochRecord::default()
        }
    }

    #[test]
    fn figures_are_found_by_name() {
        let record = record();
        assert_eq!(record.get("loss"), Some(0.1 + 0.2));
        assert_eq!(record.get("val_loss"), Some(1e-300));
        assert_eq!(record.get("val_top_5_accuracy"), Some(1.0 / 3.0));
        assert_eq!(record.get("val_accuracy"), None);
        assert_eq!(record.get("colour"), None);
        assert!(
            record.names().contains(&"val_top_5_accuracy")
                && !record.names().contains(&"val_accuracy")
        );
    }

    #[test]
    fn json_keeps_every_bit() {
        let mut history = History::default();
        for i in 1..2000_u64 {
            let odd = f64::from_bits(
                0x3f50_0000_0000_0000 + i * 0x0000_7301_9a3c_e5b1 % 0x00f0_0000_0000_0000,
            );
            history.epochs.push(EpochRecord {
                loss: odd,
                val_loss: Some(odd / 3.0),
                ..record()
            });
        }
        assert_eq!(History::from_json(&history.to_json()).unwrap(), history);
        assert_eq!(History::from_json("").unwrap(), History::default());
    }

    #[test]
    fn metrics_stand_beside_the_other_figures_in_json() {
        let json: serde_json::Value = serde_json::to_value(record()).unwrap();
        assert_eq!(json["val_top_5_accuracy"], 1.0 / 3.0);
        assert_eq!(json["val_accuracy"], serde_json::Value::Null);
    }
}
