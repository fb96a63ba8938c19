//! Means over rows along the last axis, for metrics that compare row with row.

use super::{Counter, same_shape, weights_of};
use crate::{Error, Result, labels::share};
use taper_tensor::Tensor;

/// What this says of each row: its mean over the rows of each sample, times the sample's weight.
pub(in crate::metrics) struct RowMeans(pub(in crate::metrics) fn(&Moments) -> f64);

impl Counter for RowMeans {
    /// Σ and weights, of rows of at least two values and targets of the output's shape.
    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize> {
        same_shape(metric, output, target)?;
        match output.last() {
            Some(2..) => Ok(2),
            _ => {
                let message =
                    format!("rows of at least two values are wanted, a sample has {output:?}");
                Err(Error::shapes(metric, message))
            }
        }
    }

    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        (output, target): (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        same_shape(metric, output.shape(), target.shape())?;
        let weights = weights_of(metric, output, sample_weights)?;
        let ([samples, .., width], true) = (output.shape(), output.shape().len() > 1) else {
            let message = format!(
                "outputs [n, …, k] are wanted, these are {:?}",
                output.shape()
            );
            return Err(Error::shapes(metric, message));
        };
        let wide = |t: &Tensor| -> Vec<f64> { t.to_vec().into_iter().map(f64::from).collect() };
        let (samples, width) = (*samples, (*width).max(1));
        let (output, target) = (wide(output), wide(target));
        let rows = output.len() / width / samples.max(1);
        for (i, pair) in output
            .chunks_exact(width)
            .zip(target.chunks_exact(width))
            .enumerate()
        {
            let sample = i / rows;
            let weight = weights.as_ref().map_or(1.0, |all| f64::from(all[sample])) / rows as f64;
            if weight != 0.0 {
                sums[0] += weight * (self.0)(&Moments::of(pair.0, pair.1));
                sums[1] += weight;
            }
        }
        Ok(())
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

/// Means, variances and covariance of two rows.
pub(in crate::metrics) struct Moments {
    pub(in crate::metrics) means: [f64; 2],
    pub(in crate::metrics) variances: [f64; 2],
    pub(in crate::metrics) covariance: f64,
}

impl Moments {
    pub(in crate::metrics) fn of(a: &[f64], b: &[f64]) -> Self {
        let n = a.len() as f64;
        let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
        let means = [mean(a), mean(b)];
        let product = |x: &[f64], y: &[f64], mean: [f64; 2]| {
            let pairs = x.iter().zip(y);
            pairs
                .map(|(x, y)| (x - mean[0]) * (y - mean[1]))
                .sum::<f64>()
                / n
        };
        Moments {
            means,
            variances: [product(a, a, [means[0]; 2]), product(b, b, [means[1]; 2])],
            covariance: product(a, b, means),
        }
    }
}
