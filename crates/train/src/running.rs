//! Running means, kept as Keras keeps them: every batch counts with its number of samples.

use crate::{Metric, Result};
use serde::{Deserialize, Serialize};
use taper_tensor::Tensor;

/// Sums over the samples seen so far. Goes into checkpoints, so that a resumed epoch ends with the same means to the
/// last bit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Samples seen.
    pub(crate) samples: u64,
    loss: f64,
    cross_entropy: f64,
    penalty: f64,
    accuracy: f64,
    /// One a metric, in the trainer's order.
    metrics: Vec<f64>,
    /// Seconds spent on batches.
    pub(crate) seconds: f64,
}

/// What a batch came to.
pub(crate) struct BatchResult<'a> {
    pub(crate) cross_entropy: f64,
    pub(crate) penalty: f64,
    pub(crate) output: &'a Tensor,
    pub(crate) target: &'a Tensor,
}

impl Running {
    pub(crate) fn new(metrics: usize) -> Self {
        Running {
            metrics: vec![0.0; metrics],
            ..Running::default()
        }
    }

    /// How many metrics there are sums of.
    pub(crate) fn metric_count(&self) -> usize {
        self.metrics.len()
    }

    pub(crate) fn add(
        &mut self,
        batch: &BatchResult<'_>,
        metrics: &[Box<dyn Metric>],
    ) -> Result<()> {
        let count = batch.output.shape().first().copied().unwrap_or(1);
        let weight = count as f64;
        self.samples += count as u64;
        self.loss += weight * (batch.cross_entropy + batch.penalty);
        self.cross_entropy += weight * batch.cross_entropy;
        self.penalty += weight * batch.penalty;
        self.accuracy += crate::Accuracy.score(batch.output, batch.target)?;
        for (sum, metric) in self.metrics.iter_mut().zip(metrics) {
            *sum += metric.score(batch.output, batch.target)?;
        }
        Ok(())
    }

    pub(crate) fn loss(&self) -> f64 {
        self.mean(self.loss)
    }

    pub(crate) fn cross_entropy(&self) -> f64 {
        self.mean(self.cross_entropy)
    }

    pub(crate) fn penalty(&self) -> f64 {
        self.mean(self.penalty)
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.mean(self.accuracy)
    }

    /// Means of the metrics, in the trainer's order.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = f64> {
        self.metrics.iter().map(|sum| self.mean(*sum))
    }

    fn mean(&self, sum: f64) -> f64 {
        if self.samples == 0 {
            0.0
        } else {
            sum / self.samples as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_batch_counts_less() {
        let mut running = Running::new(0);
        let target = Tensor::from_slice([3], &[0.0, 1.0, 1.0]).unwrap();
        let output = Tensor::from_slice([3, 2], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4]).unwrap();
        running
            .add(
                &BatchResult {
                    cross_entropy: 1.0,
                    penalty: 0.5,
                    output: &output,
                    target: &target,
                },
                &[],
            )
            .unwrap();
        let (output, target) = (
            output.slice(0, 0..1).unwrap(),
            target.slice(0, 0..1).unwrap(),
        );
        running
            .add(
                &BatchResult {
                    cross_entropy: 3.0,
                    penalty: 0.25,
                    output: &output,
                    target: &target,
                },
                &[],
            )
            .unwrap();
        assert_eq!(running.samples, 4);
        assert_eq!(running.loss(), (3.0 * 1.5 + 3.25) / 4.0);
        assert_eq!(running.cross_entropy(), 1.5);
        assert_eq!(running.penalty(), (3.0 * 0.5 + 0.25) / 4.0);
        assert_eq!(running.accuracy(), 0.75);
    }

    #[test]
    fn json_keeps_every_bit() {
        let running = Running {
            loss: 0.1 + 0.2,
            accuracy: 1e-320,
            seconds: 1.0 / 3.0,
            ..Running::new(2)
        };
        let json = serde_json::to_string(&running).unwrap();
        assert_eq!(serde_json::from_str::<Running>(&json).unwrap(), running);
    }
}
