//! What a metric is, and what the table says of each kind.

use crate::{Mode, Result};
use serde_json::Value;
use std::fmt::Debug;
use taper_tensor::Tensor;

/// A figure of a model on a set of samples.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, Mode, Result, metrics};
///
/// /// The largest absolute error of all.
/// #[derive(Debug)]
/// struct LargestError;
/// impl Metric for LargestError {
///     fn name(&self) -> String {
///         "largest_error".into()
///     }
///     fn mode(&self) -> Mode {
///         Mode::Min
///     }
///     fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
///         metrics::same_shape("largest_error", output, target).map(|()| 1)
///     }
///     fn add(&self, sums: &mut [f64], output: &Tensor, target: &Tensor, w: Option<&Tensor>) -> Result<()> {
///         metrics::each_value("largest_error", (output, target), w, |_, output, target, _| {
///             sums[0] = sums[0].max((output - target).abs());
///         })
///     }
///     fn value(&self, sums: &[f64]) -> f64 {
///         sums[0]
///     }
/// }
///
/// let (output, target) = (Tensor::from_vec([2, 1], vec![1.0, 4.0])?, Tensor::zeros([2, 1]));
/// assert_eq!(LargestError.measure(&output, &target)?, 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Metric: Debug + Send + Sync {
    /// The name in the history, e.g. `top_5_accuracy`; validation puts `val_` before it.
    fn name(&self) -> String;

    /// The settings as JSON, which [`from_config`](crate::metrics::from_config) reads back.
    fn config(&self) -> Value {
        Value::Object(Default::default())
    }

    /// Which way it becomes better.
    fn mode(&self) -> Mode;

    /// How many numbers it keeps while it goes through a set, all 0 at first, for samples of these shapes (without the
    /// batch axis). `fit` asks before the first batch.
    ///
    /// # Errors
    /// It cannot compare such an output with such a target; the message names the metric.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize>;

    /// Adds a batch: output `[n, …]`, target `[n, …]`, and weights `[n]` of the samples, if they have any.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()>;

    /// The figure that the sums come to.
    fn value(&self, sums: &[f64]) -> f64;

    /// The figures of which [`value`](Self::value) is the mean, for metrics that have one for each class: Keras's
    /// `average=None`. The default is the one value.
    fn values(&self, sums: &[f64]) -> Vec<f64> {
        vec![self.value(sums)]
    }

    /// The figure of one batch alone.
    ///
    /// # Errors
    /// As [`sums`](Self::sums) and [`add`](Self::add).
    fn measure(&self, output: &Tensor, target: &Tensor) -> Result<f64> {
        let sample = |t: &Tensor| t.shape().get(1..).unwrap_or_default().to_vec();
        let mut sums = vec![0.0; self.sums(&sample(output), &sample(target))?];
        self.add(&mut sums, output, target, None)?;
        Ok(self.value(&sums))
    }
}

/// One kind of metric.
pub struct Row {
    /// The class name, e.g. `TopKAccuracy`.
    pub class_name: &'static str,
    /// Its name in a history with default settings, e.g. `top_5_accuracy`.
    pub name: &'static str,
    /// The formula, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads the settings; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Box<dyn Metric>>,
    /// The metric that has this name in a history.
    pub by_name: fn(&str) -> Option<Box<dyn Metric>>,
    /// A batch whose value is known.
    pub sample: fn() -> Sample,
}

/// Settings of a metric, with a batch whose value is known by hand or from Keras.
pub struct Sample {
    /// The settings.
    pub config: Value,
    /// Outputs [n, …] of at least two samples.
    pub output: Tensor,
    /// Targets.
    pub target: Tensor,
    /// What the metric says of them.
    pub value: f64,
}
