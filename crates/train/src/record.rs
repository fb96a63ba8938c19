//! The figures of one epoch, with Keras's names; in JSON in the order in which they always were, with metrics beside the
//! other figures.

use crate::number::Number;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// Figures of one epoch; as JSON, a line of a JSON Lines history. Losses include penalties, as Keras's do.
///
/// The loss function's own part of a loss is `data_loss` here. Where it is a cross-entropy, files and
/// [`names`](Self::names) call it `cross_entropy`, otherwise `data_loss`, and the same behind `val_` and `train_`;
/// [`get`](Self::get) takes either name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Line")]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Mean over the epoch's samples of loss and penalty, each batch with the weights of its moment and dropout on.
    pub loss: f64,
    /// Running accuracy, likewise; `None` where the loss tells no classes apart and it was not asked for.
    pub accuracy: Option<f64>,
    /// The part of `loss` that is the loss function's (cross-entropy, squared error, …).
    pub data_loss: f64,
    /// What `data_loss` is.
    pub data_loss_kind: DataLoss,
    /// The part of `loss` that is the regularizers'.
    pub penalty: f64,
    /// Loss on the validation set at the end of the epoch, penalty included.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation set at the end of the epoch.
    pub val_accuracy: Option<f64>,
    /// `val_loss` without penalty.
    pub val_data_loss: Option<f64>,
    /// Penalty at the end of the epoch (a part of `val_loss`): of the weights and, where a set is measured then, of layers'
    /// outputs, on the validation set or else on the training set.
    pub end_penalty: f64,
    /// Accuracy on the training set at the end of the epoch, dropout off (if asked for).
    pub train_accuracy: Option<f64>,
    /// Loss on the training set at the end of the epoch, dropout off, without penalty (if asked for).
    pub train_data_loss: Option<f64>,
    /// Other metrics by name: running (`top_5_accuracy`), `val_top_5_accuracy`, `train_top_5_accuracy`.
    pub metrics: BTreeMap<String, f64>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Seconds that the epoch took, measurements included.
    pub seconds: f64,
    /// Training samples a second (without the measurements at the end).
    pub images_per_second: f64,
    /// What was changed, by [name](crate::Trainer::accept), when the run was gone on with in or before this epoch, such as
    /// `optimizer.learning_rate: 0.001 → 0.0001`. Left out of files where there is nothing.
    pub changes: Vec<String>,
}

/// What the loss function's part of a loss is, and so what files call it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataLoss {
    /// A cross-entropy: `cross_entropy`, `val_cross_entropy`, `train_cross_entropy`.
    #[default]
    CrossEntropy,
    /// Anything else: `data_loss`, `val_data_loss`, `train_data_loss`.
    Other,
}

impl DataLoss {
    /// What the part of this loss is called.
    pub(crate) fn of(loss: &dyn taper_nn::Loss) -> Self {
        if loss.is_cross_entropy() {
            DataLoss::CrossEntropy
        } else {
            DataLoss::Other
        }
    }

    /// Names of the part in training, in validation, and on the training set at the end of an epoch.
    pub(crate) fn names(self) -> [&'static str; 3] {
        match self {
            DataLoss::CrossEntropy => ["cross_entropy", "val_cross_entropy", "train_cross_entropy"],
            DataLoss::Other => ["data_loss", "val_data_loss", "train_data_loss"],
        }
    }

    /// The name that this kind has for a figure that may be named as the other kind would.
    pub(crate) fn own_name(self, name: &str) -> &str {
        let of = |kind: DataLoss| kind.names().into_iter().position(|known| known == name);
        let found = of(DataLoss::CrossEntropy).or_else(|| of(DataLoss::Other));
        found.map_or(name, |i| self.names()[i])
    }
}

impl EpochRecord {
    /// A figure by its name, e.g. `val_loss`; `None` when it was not measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        let name = self.data_loss_kind.own_name(name);
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
        let [running, validation, training] = self.data_loss_kind.names();
        [
            ("loss", Some(self.loss)),
            ("accuracy", self.accuracy),
            (running, Some(self.data_loss)),
            ("penalty", Some(self.penalty)),
            ("val_loss", self.val_loss),
            ("val_accuracy", self.val_accuracy),
            (validation, self.val_data_loss),
            ("end_penalty", Some(self.end_penalty)),
            ("train_accuracy", self.train_accuracy),
            (training, self.train_data_loss),
            ("learning_rate", Some(self.learning_rate)),
        ]
    }
}

/// One line. The loss function's part has either of two names, which says what it is.
#[derive(Deserialize)]
struct Line {
    epoch: u64,
    loss: Number,
    accuracy: Option<Number>,
    cross_entropy: Option<Number>,
    data_loss: Option<Number>,
    penalty: Number,
    val_loss: Option<Number>,
    val_accuracy: Option<Number>,
    val_cross_entropy: Option<Number>,
    val_data_loss: Option<Number>,
    end_penalty: Number,
    train_accuracy: Option<Number>,
    train_cross_entropy: Option<Number>,
    train_data_loss: Option<Number>,
    #[serde(flatten)]
    metrics: BTreeMap<String, Number>,
    learning_rate: Number,
    seconds: Number,
    images_per_second: Number,
    #[serde(default)]
    changes: Vec<String>,
}

impl From<Line> for EpochRecord {
    fn from(line: Line) -> Self {
        let value = |number: Option<Number>| number.map(|n| n.0);
        let kind = match line.data_loss {
            Some(_) => DataLoss::Other,
            None => DataLoss::CrossEntropy,
        };
        EpochRecord {
            epoch: line.epoch,
            loss: line.loss.0,
            accuracy: value(line.accuracy),
            // Earlier versions wrote `null` where it was no number.
            data_loss: value(line.data_loss.or(line.cross_entropy)).unwrap_or(f64::NAN),
            data_loss_kind: kind,
            penalty: line.penalty.0,
            val_loss: value(line.val_loss),
            val_accuracy: value(line.val_accuracy),
            val_data_loss: value(line.val_data_loss.or(line.val_cross_entropy)),
            end_penalty: line.end_penalty.0,
            train_accuracy: value(line.train_accuracy),
            train_data_loss: value(line.train_data_loss.or(line.train_cross_entropy)),
            metrics: line.metrics.into_iter().map(|(k, v)| (k, v.0)).collect(),
            learning_rate: line.learning_rate.0,
            seconds: line.seconds.0,
            images_per_second: line.images_per_second.0,
            changes: line.changes,
        }
    }
}

/// By hand, because the order of the entries and the two names are the point.
impl Serialize for EpochRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [running, validation, training] = self.data_loss_kind.names();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("epoch", &self.epoch)?;
        let mut figure =
            |name: &str, value: Option<f64>| map.serialize_entry(name, &value.map(Number));
        figure("loss", Some(self.loss))?;
        figure("accuracy", self.accuracy)?;
        figure(running, Some(self.data_loss))?;
        figure("penalty", Some(self.penalty))?;
        figure("val_loss", self.val_loss)?;
        figure("val_accuracy", self.val_accuracy)?;
        figure(validation, self.val_data_loss)?;
        figure("end_penalty", Some(self.end_penalty))?;
        figure("train_accuracy", self.train_accuracy)?;
        figure(training, self.train_data_loss)?;
        for (name, value) in &self.metrics {
            figure(name, Some(*value))?;
        }
        figure("learning_rate", Some(self.learning_rate))?;
        figure("seconds", Some(self.seconds))?;
        figure("images_per_second", Some(self.images_per_second))?;
        if !self.changes.is_empty() {
            map.serialize_entry("changes", &self.changes)?;
        }
        map.end()
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
    fn the_loss_functions_part_is_found_by_either_name() {
        for (kind, own, other) in [
            (DataLoss::CrossEntropy, "cross_entropy", "data_loss"),
            (DataLoss::Other, "data_loss", "cross_entropy"),
        ] {
            let record = EpochRecord {
                data_loss: 0.25,
                val_data_loss: Some(0.5),
                data_loss_kind: kind,
                ..EpochRecord::default()
            };
            for name in [own, other] {
                assert_eq!(record.get(name), Some(0.25));
                assert_eq!(record.get(&format!("val_{name}")), Some(0.5));
                assert_eq!(record.get(&format!("train_{name}")), None);
            }
            assert!(record.names().contains(&own) && !record.names().contains(&other));
            let json = serde_json::to_value(&record).unwrap();
            assert_eq!(json[own], 0.25);
            assert_eq!(json[format!("val_{own}")], 0.5);
            assert!(json.get(other).is_none() && json.get(format!("val_{other}")).is_none());
            assert_eq!(serde_json::from_value::<EpochRecord>(json).unwrap(), record);
        }
    }

    /// A line that an earlier version wrote, and what is written of it today.
    #[test]
    fn lines_of_earlier_versions_are_read_and_written_as_they_were() {
        let line = r#"{"epoch":1,"loss":0.5,"accuracy":0.75,"cross_entropy":0.375,"penalty":0.125,"val_loss":null,"val_accuracy":null,"val_cross_entropy":null,"end_penalty":0.1,"train_accuracy":0.875,"train_cross_entropy":0.25,"top_5_accuracy":1.0,"learning_rate":0.001,"seconds":2.5,"images_per_second":100.0}"#;
        let record: EpochRecord = serde_json::from_str(line).unwrap();
        assert_eq!(record.accuracy, Some(0.75));
        assert_eq!(record.data_loss, 0.375);
        assert_eq!(record.data_loss_kind, DataLoss::CrossEntropy);
        assert_eq!(record.get("top_5_accuracy"), Some(1.0));
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }

    #[test]
    fn figures_that_are_no_numbers_come_back() {
        let record = EpochRecord {
            val_loss: Some(f64::INFINITY),
            train_data_loss: Some(f64::NEG_INFINITY),
            metrics: BTreeMap::from([("val_r2".to_owned(), f64::NAN)]),
            ..record()
        };
        let json = serde_json::to_string(&record).unwrap();
        let back: EpochRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(back.val_loss, record.val_loss);
        assert_eq!(back.train_data_loss, record.train_data_loss);
        assert!(back.metrics["val_r2"].is_nan());
    }

    #[test]
    fn changes_stand_in_the_line_of_their_epoch_and_nowhere_else() {
        let changed = EpochRecord {
            changes: vec!["optimizer.learning_rate: 0.001 → 0.0001".into()],
            ..record()
        };
        let json = serde_json::to_string(&changed).unwrap();
        assert_eq!(serde_json::from_str::<EpochRecord>(&json).unwrap(), changed);
        assert!(
            !serde_json::to_string(&record())
                .unwrap()
                .contains("changes")
        );
    }

    #[test]
    fn metrics_stand_beside_the_other_figures_in_json() {
        let json: serde_json::Value = serde_json::to_value(record()).unwrap();
        assert_eq!(json["val_top_5_accuracy"], 1.0 / 3.0);
        assert_eq!(json["val_accuracy"], serde_json::Value::Null);
    }
}
