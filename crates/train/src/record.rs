//! How the record of an epoch stands in JSON: under Keras's names, in the order in which it always was, with metrics
//! beside the other figures.

use crate::{EpochRecord, history::DataLoss, number::Number};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// One line. The loss function's part has either of two names, which says what it is.
#[derive(Deserialize)]
pub(crate) struct Line {
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
        map.end()
    }
}
