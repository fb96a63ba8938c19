//! Losses that are metrics, too: Keras has most of them under both names. What they share, which is all but the samples, is
//! in [`LossMetric`]; a row here says that a loss is one.

use super::shared::{LossMetric, row_of};
use super::{Row, Sample};
use serde_json::{Value, json};
use taper_nn::losses::{
    BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
    CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, CategoricalHinge,
    CosineSimilarity, Hinge, Huber, KLDivergence, LogCosh, MeanAbsolutePercentageError,
    MeanSquaredError, MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy,
    SquaredHinge,
};
use taper_tensor::Tensor;

pub use taper_nn::losses::LogCosh as LogCoshError;

impl LossMetric for BinaryCrossentropy {}
impl LossMetric for BinaryFocalCrossentropy {}
impl LossMetric for CategoricalCrossentropy {}
impl LossMetric for CategoricalFocalCrossentropy {}
impl LossMetric for CategoricalGeneralizedCrossEntropy {}
impl LossMetric for CategoricalHinge {}
impl LossMetric for CosineSimilarity {}
impl LossMetric for Hinge {}
impl LossMetric for Huber {}
impl LossMetric for KLDivergence {}
impl LossMetric for LogCosh {}
impl LossMetric for MeanAbsolutePercentageError {}
impl LossMetric for MeanSquaredError {}
impl LossMetric for MeanSquaredLogarithmicError {}
impl LossMetric for Poisson {}
impl LossMetric for SparseCategoricalCrossentropy {}
impl LossMetric for SquaredHinge {}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row_of::<BinaryCrossentropy>(
            || of_labels(json!({"label_smoothing": 0.0}), |p| -p.ln()),
            file!(),
        ),
        row_of::<BinaryFocalCrossentropy>(
            || {
                let config = json!({
                    "apply_class_balancing": false, "alpha": 0.25, "gamma": 2.0, "label_smoothing": 0.0
                });
                of_labels(config, |p| -(1.0 - p).powi(2) * p.ln())
            },
            file!(),
        ),
        row_of::<CategoricalCrossentropy>(
            || of_classes(json!({"label_smoothing": 0.0}), false, |p| -p.ln()),
            file!(),
        ),
        row_of::<CategoricalFocalCrossentropy>(
            || {
                let config = json!({"alpha": 0.25, "gamma": 2.0, "label_smoothing": 0.0});
                of_classes(config, false, |p| -0.25 * (1.0 - p).powi(2) * p.ln())
            },
            file!(),
        ),
        row_of::<CategoricalGeneralizedCrossEntropy>(
            || of_classes(json!({"q": 0.5}), true, |p| 2.0 - 2.0 * p.sqrt()),
            file!(),
        ),
        row_of::<CategoricalHinge>(|| of_classes(json!({}), false, |p| 2.0 - 2.0 * p), file!()),
        row_of::<CosineSimilarity>(
            || Sample {
                config: json!({}),
                output: Tensor::from_fn([3, 2], |i| [3.0, 4.0, 0.0, 2.0, 1.0, 0.0][i]),
                target: Tensor::from_fn([3, 2], |i| [4.0, 3.0, 0.0, 1.0, 0.0, 2.0][i]),
                value: (0.96 + 1.0 + 0.0) / 3.0,
            },
            file!(),
        ),
        row_of::<Hinge>(|| of_margins(|margin| margin), file!()),
        row_of::<Huber>(
            || {
                let huber = |o: f64, t: f64| match (o - t).abs() {
                    x if x <= 1.0 => x * x / 2.0,
                    x => x - 0.5,
                };
                of_values(json!({"delta": 1.0}), huber)
            },
            file!(),
        ),
        row_of::<KLDivergence>(
            || Sample {
                config: json!({}),
                output: Tensor::from_fn([2, 2], |i| [0.5, 0.5, 0.25, 0.75][i]),
                target: Tensor::from_fn([2, 2], |i| [0.5, 0.5, 0.75, 0.25][i]),
                value: (0.75 - 0.25) * 3f64.ln() / 2.0,
            },
            file!(),
        ),
        row_of::<LogCosh>(|| of_values(json!({}), |o, t| (o - t).cosh().ln()), file!()),
        row_of::<MeanAbsolutePercentageError>(
            || of_values(json!({}), |o, t| 100.0 * (o - t).abs() / t),
            file!(),
        ),
        row_of::<MeanSquaredError>(|| of_values(json!({}), |o, t| (o - t).powi(2)), file!()),
        row_of::<MeanSquaredLogarithmicError>(
            || of_values(json!({}), |o, t| (o.ln_1p() - t.ln_1p()).powi(2)),
            file!(),
        ),
        row_of::<Poisson>(
            || of_values(json!({}), |o, t| o - t * (o + 1e-7).ln()),
            file!(),
        ),
        row_of::<SparseCategoricalCrossentropy>(
            || of_classes(json!({}), true, |p| -p.ln()),
            file!(),
        ),
        row_of::<SquaredHinge>(|| of_margins(|margin| margin * margin), file!()),
    ]
}

/// Positive values of which each costs something.
fn of_values(config: Value, cost: impl Fn(f64, f64) -> f64) -> Sample {
    let output = [1.0, 2.0, 3.0, 4.0, 0.5, 1.0];
    let target = [2.0, 2.0, 5.0, 1.0, 0.25, 1.0];
    let costs = output.iter().zip(&target);
    Sample {
        config,
        output: Tensor::from_fn([3, 2], |i| output[i] as f32),
        target: Tensor::from_fn([3, 2], |i| target[i] as f32),
        value: costs.map(|(o, t)| cost(*o, *t)).sum::<f64>() / 6.0,
    }
}

/// Probabilities of yes, of which what is true costs something.
fn of_labels(config: Value, cost: impl Fn(f64) -> f64) -> Sample {
    Sample {
        config,
        output: Tensor::from_fn([3, 1], |i| [0.75, 0.25, 0.5][i]),
        target: Tensor::from_fn([3, 1], |i| [1.0, 0.0, 0.0][i]),
        value: (2.0 * cost(0.75) + cost(0.5)) / 3.0,
    }
}

/// Probabilities of two classes, of which that of the true one costs something.
fn of_classes(config: Value, sparse: bool, cost: impl Fn(f64) -> f64) -> Sample {
    let labels = [0, 1, 0];
    let hot = |i: usize| f32::from(labels[i / 2] == i % 2);
    Sample {
        config,
        output: Tensor::from_fn([3, 2], |i| [0.75, 0.25, 0.5, 0.5, 0.25, 0.75][i]),
        target: match sparse {
            true => Tensor::from_fn([3], |i| labels[i] as f32),
            false => Tensor::from_fn([3, 2], hot),
        },
        value: (cost(0.75) + cost(0.5) + cost(0.25)) / 3.0,
    }
}

/// Targets of −1 and 1, and margins of ½, 0 and 1½.
fn of_margins(cost: impl Fn(f64) -> f64) -> Sample {
    Sample {
        config: json!({}),
        output: Tensor::from_fn([3, 1], |i| [0.5, -2.0, 0.5][i]),
        target: Tensor::from_fn([3, 1], |i| [1.0, -1.0, -1.0][i]),
        value: (cost(0.5) + cost(0.0) + cost(1.5)) / 3.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metric, from_config};
    use taper_nn::losses::{LossExt, Reduction};

    /// What a network in pieces says must not look like a good figure.
    #[test]
    fn nan_stays_nan() {
        for row in rows() {
            let Sample {
                config,
                output,
                target,
                ..
            } = (row.sample)();
            let mut values = output.to_vec();
            values[1] = f32::NAN;
            let output = Tensor::from_vec(output.shape(), values).unwrap();
            let metric = (row.from_config)(&config).unwrap();
            let found = metric.measure(&output, &target).unwrap();
            assert!(found.is_nan(), "{}: {found}", row.name);
        }
    }

    #[test]
    fn options_of_losses_are_options_of_metrics() {
        let logits = Tensor::from_slice([2, 1], &[0.0, 0.0]).unwrap();
        let labels = Tensor::from_slice([2, 1], &[0.0, 1.0]).unwrap();
        let config = json!({"label_smoothing": 0.0, "from_logits": true});
        let read = from_config("BinaryCrossentropy", &config).unwrap();
        assert_eq!(read.config(), config);
        let made = BinaryCrossentropy.of_logits();
        for metric in [&*read, &made] {
            let found = metric.measure(&logits, &labels).unwrap();
            assert!((found - 2f64.ln()).abs() <= 1e-12, "{found}");
        }
        // A sum is no figure of a whole set: the mean stays.
        let sum = MeanSquaredError.reduction(Reduction::Sum);
        assert_eq!(sum.measure(&logits, &labels).unwrap(), 0.5);
    }

    /// Over batches in which different numbers of positions count.
    #[test]
    fn ignored_positions_do_not_count_in_any_batch() {
        let metric = SparseCategoricalCrossentropy.ignore_class(-1);
        let p = [0.75f32, 0.25, 0.5, 0.5, 0.25, 0.75, 0.25, 0.75];
        let output = Tensor::from_slice([2, 2, 2], &p).unwrap();
        let target = Tensor::from_slice([2, 2], &[0.0, -1.0, 1.0, 1.0]).unwrap();
        let mut sums = vec![0.0; metric.sums(&[2, 2], &[2]).unwrap()];
        for range in [0..1, 1..2] {
            let part = |t: &Tensor| t.slice(0, range.clone()).unwrap();
            metric
                .add(&mut sums, &part(&output), &part(&target), None)
                .unwrap();
        }
        let wanted = -0.75f64.ln();
        assert!((metric.value(&sums) - wanted).abs() <= 1e-12);
        assert!((metric.measure(&output, &target).unwrap() - wanted).abs() <= 1e-12);
    }
}
