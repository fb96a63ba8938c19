//! Running sums, kept as Keras keeps them: every batch counts with its number of samples.

use crate::{
    Error, Result,
    measured::{ACCURACY, Measured},
    number::Number,
};
use serde::{Deserialize, Serialize};
use taper_tensor::Tensor;

/// Sums over the samples seen so far. Goes into checkpoints, so that a resumed epoch ends with the same figures to the
/// last bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Running {
    /// Samples seen.
    pub(crate) samples: u64,
    loss: f64,
    data_loss: f64,
    penalty: f64,
    /// One an output, where there are several, without the outputs' weights.
    losses: Vec<f64>,
    /// One list a metric, in the order in which they are measured.
    metrics: Vec<Vec<f64>>,
    /// Seconds spent on batches.
    pub(crate) seconds: f64,
    /// The learning rate of the latest step.
    pub(crate) learning_rate: Option<f64>,
}

/// What a batch came to.
pub(crate) struct BatchResult<'a> {
    pub(crate) data_loss: f64,
    pub(crate) penalty: f64,
    /// One an output.
    pub(crate) losses: &'a [f64],
    pub(crate) outputs: &'a [Tensor],
    pub(crate) targets: &'a [&'a Tensor],
    /// [n], if the samples have weights: for the metrics that want them.
    pub(crate) sample_weights: Option<&'a Tensor>,
}

impl Running {
    pub(crate) fn new(measured: &Measured<'_>) -> Self {
        let metrics = measured.metrics.iter();
        Running {
            losses: vec![0.0; measured.losses.len()],
            metrics: metrics.map(|entry| vec![0.0; entry.sums]).collect(),
            ..Running::default()
        }
    }

    pub(crate) fn add(&mut self, batch: &BatchResult<'_>, measured: &Measured<'_>) -> Result<()> {
        let count = batch.outputs[0].shape().first().copied().unwrap_or(1);
        let weight = count as f64;
        self.samples += count as u64;
        self.loss += weight * (batch.data_loss + batch.penalty);
        self.data_loss += weight * batch.data_loss;
        self.penalty += weight * batch.penalty;
        for (sum, loss) in self.losses.iter_mut().zip(batch.losses) {
            *sum += weight * loss;
        }
        for (sums, entry) in self.metrics.iter_mut().zip(&measured.metrics) {
            let (output, target) = (&batch.outputs[entry.output], batch.targets[entry.output]);
            let weights = batch.sample_weights.filter(|_| entry.weighted);
            entry.metric.add(sums, output, target, weights)?;
        }
        Ok(())
    }

    pub(crate) fn loss(&self) -> f64 {
        self.mean(self.loss)
    }

    pub(crate) fn data_loss(&self) -> f64 {
        self.mean(self.data_loss)
    }

    pub(crate) fn penalty(&self) -> f64 {
        self.mean(self.penalty)
    }

    /// The mean loss of each output, where there are several.
    pub(crate) fn losses(&self) -> impl Iterator<Item = f64> {
        self.losses.iter().map(|sum| self.mean(*sum))
    }

    /// What the metrics come to, in their order.
    pub(crate) fn metrics(&self, measured: &Measured<'_>) -> impl Iterator<Item = f64> {
        let metrics = self.metrics.iter().zip(&measured.metrics);
        metrics.map(|(sums, entry)| entry.metric.value(sums))
    }

    /// Accuracy so far, if it is measured.
    pub(crate) fn accuracy(&self, measured: &Measured<'_>) -> Option<f64> {
        let mut metrics = self.metrics.iter().zip(&measured.metrics);
        let (sums, entry) = metrics.find(|(_, entry)| entry.name == ACCURACY)?;
        Some(entry.metric.value(sums))
    }

    /// For a checkpoint.
    pub(crate) fn save(&self, measured: &Measured<'_>) -> Saved {
        let numbers = |sums: &Vec<f64>| sums.iter().map(|sum| Number(*sum)).collect();
        let metrics = self.metrics.iter().zip(&measured.metrics);
        Saved {
            samples: self.samples,
            loss: Number(self.loss),
            cross_entropy: Number(self.data_loss),
            penalty: Number(self.penalty),
            seconds: Number(self.seconds),
            metrics: Metrics::Sums(
                metrics
                    .map(|(sums, entry)| (entry.name.clone(), numbers(sums)))
                    .collect(),
            ),
            losses: {
                let losses = measured.losses.iter().cloned();
                losses
                    .zip(self.losses.iter().map(|sum| Number(*sum)))
                    .collect()
            },
            accuracy: None,
            learning_rate: self.learning_rate.map(Number),
        }
    }

    /// From a checkpoint, for what is measured now.
    pub(crate) fn load(saved: Saved, measured: &Measured<'_>) -> Result<Self> {
        let samples = saved.samples as f64;
        let sums: Option<Vec<Vec<f64>>> = match saved.metrics {
            Metrics::Sums(all) if all.len() == measured.metrics.len() => {
                let of = |name: &str| all.iter().find(|(saved, _)| saved == name);
                let metrics = measured.metrics.iter();
                let found = metrics.map(|entry| {
                    let (_, sums) = of(&entry.name).filter(|(_, sums)| sums.len() == entry.sums)?;
                    Some(sums.iter().map(|sum| sum.0).collect())
                });
                found.collect()
            }
            // Earlier versions: each metric was a sum that is divided by the number of samples, accuracy apart.
            Metrics::Means(others) => {
                let mut others = others.into_iter();
                let metrics = measured.metrics.iter();
                let found = metrics.map(|entry| {
                    let sum = match entry.name.as_str() {
                        ACCURACY => saved.accuracy,
                        _ => others.next(),
                    };
                    Some(vec![sum.filter(|_| entry.sums == 2)?.0, samples])
                });
                let found = found.collect::<Option<_>>();
                found.filter(|_| others.next().is_none())
            }
            Metrics::Sums(_) => None,
        };
        let message = "it was made within an epoch that measured other metrics; give the trainer the same ones";
        let names = saved.losses.iter().map(|(name, _)| name);
        if !names.eq(&measured.losses) {
            let message = "it was made within an epoch of a model with other outputs";
            return Err(Error::Resume(message.into()));
        }
        Ok(Running {
            losses: saved.losses.iter().map(|(_, sum)| sum.0).collect(),
            samples: saved.samples,
            loss: saved.loss.0,
            data_loss: saved.cross_entropy.0,
            penalty: saved.penalty.0,
            metrics: sums.ok_or_else(|| Error::Resume(message.into()))?,
            seconds: saved.seconds.0,
            learning_rate: saved.learning_rate.map(|rate| rate.0),
        })
    }

    fn mean(&self, sum: f64) -> f64 {
        if self.samples == 0 {
            0.0
        } else {
            sum / self.samples as f64
        }
    }
}

/// The sums as they stand in checkpoints; `cross_entropy` is the loss function's part, whichever that is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    samples: u64,
    loss: Number,
    cross_entropy: Number,
    penalty: Number,
    /// Only in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accuracy: Option<Number>,
    metrics: Metrics,
    /// Name and sum of the loss of each output; only where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    losses: Vec<(String, Number)>,
    seconds: Number,
    /// Not in files of earlier versions, where it was always the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learning_rate: Option<Number>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Metrics {
    /// Files of earlier versions: one sum a metric, in the trainer's order.
    Means(Vec<Number>),
    /// Name and sums of each.
    Sums(Vec<(String, Vec<Number>)>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, TopKAccuracy};
    use taper_nn::CategoricalCrossentropy;

    fn metrics() -> Vec<Box<dyn Metric>> {
        vec![Box::new(TopKAccuracy::new(2))]
    }

    fn measured(metrics: &[Box<dyn Metric>]) -> Measured<'_> {
        Measured::new(metrics, &CategoricalCrossentropy, &[3], &[3]).unwrap()
    }

    fn json(running: &Running, measured: &Measured<'_>) -> String {
        serde_json::to_string(&running.save(measured)).unwrap()
    }

    #[test]
    fn a_small_batch_counts_less() {
        let measured = Measured::new(&[], &CategoricalCrossentropy, &[2], &[]).unwrap();
        let mut running = Running::new(&measured);
        let target = Tensor::from_slice([3], &[0.0, 1.0, 1.0]).unwrap();
        let output = Tensor::from_slice([3, 2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4]).unwrap();
        let mut add = |rows: std::ops::Range<usize>, data_loss, penalty| {
            let result = BatchResult {
                data_loss,
                penalty,
                losses: &[data_loss],
                outputs: &[output.slice(0, rows.clone()).unwrap()],
                targets: &[&target.slice(0, rows).unwrap()],
                sample_weights: None,
            };
            running.add(&result, &measured).unwrap();
        };
        add(0..3, 1.0, 0.5);
        add(0..1, 3.0, 0.25);
        assert_eq!(running.samples, 4);
        assert_eq!(running.loss(), (3.0 * 1.5 + 3.25) / 4.0);
        assert_eq!(running.data_loss(), 1.5);
        assert_eq!(running.penalty(), (3.0 * 0.5 + 0.25) / 4.0);
        assert_eq!(running.accuracy(&measured), Some(0.75));
    }

    #[test]
    fn json_keeps_every_bit() {
        let metrics = metrics();
        let measured = measured(&metrics);
        let running = Running {
            samples: 3,
            loss: 0.1 + 0.2,
            seconds: 1.0 / 3.0,
            learning_rate: Some(0.1),
            metrics: vec![vec![1e-320, 3.0], vec![f64::INFINITY, 3.0]],
            ..Running::new(&measured)
        };
        let saved = serde_json::from_str(&json(&running, &measured)).unwrap();
        assert_eq!(Running::load(saved, &measured).unwrap(), running);
    }

    #[test]
    fn sums_of_earlier_versions_are_read() {
        let old = r#"{"samples":8,"loss":3.5,"cross_entropy":2.5,"penalty":1.0,"accuracy":5.0,"metrics":[7.0],"seconds":0.5}"#;
        let read = |metrics: &[Box<dyn Metric>]| {
            let measured = measured(metrics);
            let running = Running::load(serde_json::from_str(old).unwrap(), &measured)?;
            Ok::<_, Error>((
                running.loss(),
                running.accuracy(&measured),
                running.metrics(&measured).collect::<Vec<_>>(),
            ))
        };
        let found = read(&metrics()).unwrap();
        assert_eq!(
            found,
            (3.5 / 8.0, Some(5.0 / 8.0), vec![5.0 / 8.0, 7.0 / 8.0])
        );
        let error = read(&[]).unwrap_err().to_string();
        assert!(error.contains("other metrics"), "{error}");
    }

    #[test]
    fn sums_of_other_metrics_are_refused() {
        let (two, three) = (
            metrics(),
            vec![Box::new(TopKAccuracy::new(3)) as Box<dyn Metric>],
        );
        let (two, three) = (measured(&two), measured(&three));
        let saved = serde_json::from_str(&json(&Running::new(&two), &two)).unwrap();
        assert!(Running::load(saved, &three).is_err());
    }
}
