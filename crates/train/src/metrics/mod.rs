//! The metrics, one file each, and the table of them. A metric is a pure description that says what it sums; the sums
//! stand in one place beside the model and go into checkpoints, so that a resumed epoch ends with the same value. They
//! run over the whole set: what is no mean of batches (an area under a curve, R²) is exact as well.
//!
//! A new metric is one file here and its row in [`all`].

mod accuracy;
mod auc;
mod binary_accuracy;
mod binary_iou;
mod categorical_accuracy;
mod concordance_correlation;
mod f1_score;
mod false_negatives;
mod false_positives;
mod fbeta_score;
mod iou;
mod losses;
mod mean;
mod mean_absolute_error;
mod mean_iou;
mod one_hot_iou;
mod one_hot_mean_iou;
mod pearson_correlation;
mod precision;
mod precision_at_recall;
mod r2_score;
mod recall;
mod recall_at_precision;
mod root_mean_squared_error;
mod sensitivity_at_specificity;
mod shared;
mod sparse_categorical_accuracy;
mod sparse_top_k_categorical_accuracy;
mod specificity_at_sensitivity;
mod sum;
mod top_k;
mod top_k_categorical_accuracy;
mod true_negatives;
mod true_positives;

pub use kinds::*;
pub use r2_score::Aggregation;
pub use shared::{
    Average, LossMetric, Metric, MetricExt, Row, Sample, Selected, each_value, same_shape,
};

/// The types alone, for the crate's root and its prelude.
pub(crate) mod kinds {
    pub use super::accuracy::Accuracy;
    pub use super::auc::{AUC, Curve};
    pub use super::binary_accuracy::BinaryAccuracy;
    pub use super::binary_iou::BinaryIoU;
    pub use super::categorical_accuracy::CategoricalAccuracy;
    pub use super::concordance_correlation::ConcordanceCorrelation;
    pub use super::f1_score::F1Score;
    pub use super::false_negatives::FalseNegatives;
    pub use super::false_positives::FalsePositives;
    pub use super::fbeta_score::FBetaScore;
    pub use super::iou::IoU;
    pub use super::losses::LogCoshError;
    pub use super::mean::Mean;
    pub use super::mean_absolute_error::MeanAbsoluteError;
    pub use super::mean_iou::MeanIoU;
    pub use super::one_hot_iou::OneHotIoU;
    pub use super::one_hot_mean_iou::OneHotMeanIoU;
    pub use super::pearson_correlation::PearsonCorrelation;
    pub use super::precision::Precision;
    pub use super::precision_at_recall::PrecisionAtRecall;
    pub use super::r2_score::R2Score;
    pub use super::recall::Recall;
    pub use super::recall_at_precision::RecallAtPrecision;
    pub use super::root_mean_squared_error::RootMeanSquaredError;
    pub use super::sensitivity_at_specificity::SensitivityAtSpecificity;
    pub use super::sparse_categorical_accuracy::SparseCategoricalAccuracy;
    pub use super::sparse_top_k_categorical_accuracy::SparseTopKCategoricalAccuracy;
    pub use super::specificity_at_sensitivity::SpecificityAtSensitivity;
    pub use super::sum::Sum;
    pub use super::top_k::TopKAccuracy;
    pub use super::top_k_categorical_accuracy::TopKCategoricalAccuracy;
    pub use super::true_negatives::TrueNegatives;
    pub use super::true_positives::TruePositives;
}

use crate::{Error, Result};
use serde_json::Value;
use shared::{
    AtThreshold, BestAt, Bins, ClassesAre, Confusion, Counted, FScore, Hits, RowMeans, Unions,
    add_positives, counted, named, parse, ratio, read, read_options, settings, weights_of,
};

/// Every kind of metric.
#[must_use]
pub fn all() -> Vec<Row> {
    let mut rows = vec![
        accuracy::row(),
        auc::row(),
        binary_accuracy::row(),
        binary_iou::row(),
        categorical_accuracy::row(),
        concordance_correlation::row(),
        f1_score::row(),
        false_negatives::row(),
        false_positives::row(),
        fbeta_score::row(),
        iou::row(),
        mean::row(),
        mean_absolute_error::row(),
        mean_iou::row(),
        one_hot_iou::row(),
        one_hot_mean_iou::row(),
        pearson_correlation::row(),
        precision::row(),
        precision_at_recall::row(),
        r2_score::row(),
        recall::row(),
        recall_at_precision::row(),
        root_mean_squared_error::row(),
        sensitivity_at_specificity::row(),
        sparse_categorical_accuracy::row(),
        sparse_top_k_categorical_accuracy::row(),
        specificity_at_sensitivity::row(),
        sum::row(),
        top_k::row(),
        top_k_categorical_accuracy::row(),
        true_negatives::row(),
        true_positives::row(),
    ];
    rows.extend(losses::rows());
    rows
}

/// Reads the settings of the metric with this class name, or with this name in a history. Beside the metric's own settings
/// there may be Keras's `class_id`, `top_k` and `from_logits` for the metrics of probabilities ([`MetricExt`]), and the
/// options of losses for those that are losses, too.
///
/// ```
/// use serde_json::json;
/// let metric = taper_train::metrics::from_config("TopKAccuracy", &json!({"k": 3}))?;
/// assert_eq!(metric.name(), "top_3_accuracy");
/// # Ok::<(), taper_train::Error>(())
/// ```
///
/// # Errors
/// An unknown name, an unknown entry, or a value out of its range.
pub fn from_config(name: &str, config: &Value) -> Result<Box<dyn Metric>> {
    let rows = all();
    let row = rows
        .iter()
        .find(|row| row.class_name == name || row.name == name);
    match row {
        Some(row) => read_options(row, config),
        None => {
            let known: Vec<_> = rows.iter().map(|row| row.class_name).collect();
            let message = format!(
                "no metric is called {name:?}: there are {}",
                known.join(", ")
            );
            Err(Error::Setting(message))
        }
    }
}

/// A metric by its name in a history: `accuracy`, `top_3_accuracy`.
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Metric>> {
    all().iter().find_map(|row| (row.by_name)(name))
}

/// A metric that was noted by its name in a history and its settings.
pub(crate) fn restore(name: &str, config: &Value) -> Option<Box<dyn Metric>> {
    all().iter().find_map(|row| {
        let metric = read_options(row, config).ok()?;
        (metric.name() == name && metric.config() == *config).then_some(metric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_tensor::Tensor;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-6 * b.abs().max(1e-3)
    }

    fn state(metric: &dyn Metric, output: &Tensor, target: &Tensor) -> Vec<f64> {
        vec![
            0.0;
            metric
                .sums(&output.shape()[1..], &target.shape()[1..])
                .unwrap()
        ]
    }

    #[test]
    fn every_file_is_in_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let listed = all().iter().any(|row| row.file.ends_with(&name));
            assert!(
                listed || name == "mod.rs" || name == "shared",
                "{name} has no row in metrics::all()"
            );
        }
    }

    #[test]
    fn every_metric_has_its_known_value_whole_and_batch_by_batch() {
        for row in all() {
            let Sample {
                config,
                output,
                target,
                value,
            } = (row.sample)();
            let metric = (row.from_config)(&config).unwrap();
            let found = metric.measure(&output, &target).unwrap();
            assert!(close(found, value), "{}: {found}, wanted {value}", row.name);
            let mut sums = state(&*metric, &output, &target);
            let samples = output.shape()[0];
            for range in [0..1, 1..samples] {
                let part = |t: &Tensor| t.slice(0, range.clone()).unwrap();
                metric
                    .add(&mut sums, &part(&output), &part(&target), None)
                    .unwrap();
            }
            let parts = metric.value(&sums);
            assert!(
                close(parts, value),
                "{}: {parts} in parts, wanted {value}",
                row.name
            );
        }
    }

    /// A sample of weight 2 counts as two, one of weight 0 as none.
    #[test]
    fn weights_count_samples() {
        for row in all() {
            let Sample {
                config,
                output,
                target,
                ..
            } = (row.sample)();
            let metric = (row.from_config)(&config).unwrap();
            let samples = output.shape()[0];
            let times: Vec<usize> = (0..samples).map(|i| [1, 2, 0, 3][i % 4]).collect();
            let rows: Vec<usize> = (0..samples).flat_map(|i| vec![i; times[i]]).collect();
            let repeated = |t: &Tensor| t.gather(&rows).unwrap();
            let wanted = metric
                .measure(&repeated(&output), &repeated(&target))
                .unwrap();
            let weights: Vec<f32> = times.iter().map(|&n| n as f32).collect();
            let weights = Tensor::from_vec([samples], weights).unwrap();
            let mut sums = state(&*metric, &output, &target);
            metric
                .add(&mut sums, &output, &target, Some(&weights))
                .unwrap();
            let found = metric.value(&sums);
            assert!(
                close(found, wanted),
                "{}: {found}, wanted {wanted}",
                row.name
            );
            let few = Tensor::ones([samples + 1]);
            let error = metric
                .add(&mut sums, &output, &target, Some(&few))
                .unwrap_err();
            assert!(error.to_string().contains("weights"), "{error}");
        }
    }

    #[test]
    fn an_empty_set_has_a_finite_value() {
        for row in all() {
            let Sample {
                config,
                output,
                target,
                ..
            } = (row.sample)();
            let metric = (row.from_config)(&config).unwrap();
            let value = metric.value(&state(&*metric, &output, &target));
            assert!(value.is_finite(), "{}: {value}", row.name);
        }
    }

    #[test]
    fn settings_survive_json_and_nonsense_is_refused() {
        for row in all() {
            let sample = (row.sample)();
            let metric = (row.from_config)(&sample.config).unwrap();
            assert_eq!(metric.config(), sample.config, "{}", row.name);
            let default = from_config(row.class_name, &Value::Null).unwrap();
            assert_eq!(default.name(), row.name);
            assert_eq!(
                from_config(row.name, &default.config()).unwrap().name(),
                row.name
            );
            assert_eq!(by_name(row.name).unwrap().config(), default.config());
            let error = from_config(row.name, &serde_json::json!({"colour": 1})).unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with(row.class_name) && error.contains("colour"),
                "{error}"
            );
        }
        assert!(by_name("top_x_accuracy").is_none() && by_name("colour").is_none());
        let error = from_config("colour", &Value::Null).unwrap_err().to_string();
        assert!(
            error.contains("colour") && error.contains("TopKAccuracy"),
            "{error}"
        );
    }

    /// What a checkpoint notes of a metric is enough to measure the same again.
    #[test]
    fn every_metric_is_restored_from_its_name_and_settings() {
        for row in all() {
            let defaults = (row.from_config)(&Value::Null).unwrap();
            for metric in [(row.from_config)(&(row.sample)().config).unwrap(), defaults] {
                let restored = restore(&metric.name(), &metric.config());
                let restored = restored.unwrap_or_else(|| panic!("{} is unknown", row.name));
                assert_eq!(restored.name(), metric.name());
                assert_eq!(restored.config(), metric.config(), "{}", row.name);
                assert_eq!(restored.mode(), metric.mode());
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named_before_anything_is_added() {
        // Those of outputs alone take any target.
        let alone = ["Mean", "Sum"];
        let rows = all().into_iter();
        for row in rows.filter(|row| !alone.contains(&row.class_name)) {
            let metric = (row.from_config)(&(row.sample)().config).unwrap();
            let error = metric.sums(&[6], &[4]).unwrap_err().to_string();
            let name = metric.name();
            assert!(error.starts_with(&name), "{name}: {error}");
            assert!(error.contains("[6]") && error.contains("[4]"), "{error}");
        }
    }
}
