//! The options that Keras gives to metrics of probabilities: one class alone, the k best, an output of logits. They stand
//! around the metric, so that no file of a metric has them.

use crate::metrics::{Metric, Row};
use crate::{Error, Mode, Result, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taper_tensor::Tensor;

use super::parse;

/// Options for metrics that compare value with value.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, metrics::MetricExt, Precision};
/// let output = Tensor::from_vec([2, 3], vec![0.2, 0.7, 0.1, 0.1, 0.6, 0.3])?;
/// let target = Tensor::one_hot(&[1, 2], 3)?;
/// assert_eq!(Precision::new().of_class(1).measure(&output, &target)?, 0.5);
/// assert_eq!(Precision::new().top_k(2).measure(&output, &target)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait MetricExt: Metric + Sized + 'static {
    /// Of one class alone (Keras's `class_id`), the position along the last axis.
    fn of_class(self, class: usize) -> Selected {
        Selected::new(Box::new(self)).of_class(class)
    }

    /// With the `k` greatest scores of each row called positive, whatever they are (Keras's `top_k`); ties count together.
    fn top_k(self, k: usize) -> Selected {
        Selected::new(Box::new(self)).top_k(k)
    }

    /// For outputs that are logits: the sigmoid of them is measured (Keras's `from_logits`).
    fn of_logits(self) -> Selected {
        Selected::new(Box::new(self)).of_logits()
    }
}

impl<M: Metric + 'static> MetricExt for M {}

/// A metric with options; made by [`MetricExt`] or from a description ([`from_config`](crate::metrics::from_config)).
#[derive(Debug)]
pub struct Selected {
    metric: Box<dyn Metric>,
    options: Options,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    class_id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<usize>,
    from_logits: bool,
}

const KEYS: [&str; 3] = ["class_id", "top_k", "from_logits"];
/// The metrics of probabilities, for which Keras has such options.
const CLASSES: [&str; 7] = [
    "AUC",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
];

impl Selected {
    /// The metric as it is.
    #[must_use]
    pub fn new(metric: Box<dyn Metric>) -> Self {
        let options = Options::default();
        Selected { metric, options }
    }

    /// As [`MetricExt::of_class`].
    #[must_use]
    pub fn of_class(mut self, class: usize) -> Self {
        self.options.class_id = Some(class);
        self
    }

    /// As [`MetricExt::top_k`].
    #[must_use]
    pub fn top_k(mut self, k: usize) -> Self {
        self.options.top_k = Some(k);
        self
    }

    /// As [`MetricExt::of_logits`].
    #[must_use]
    pub fn of_logits(mut self) -> Self {
        self.options.from_logits = true;
        self
    }

    /// The shape of what is measured of a sample.
    fn shape(&self, shape: &[usize]) -> Vec<usize> {
        match (self.options.class_id, shape) {
            (Some(_), [outer @ .., _]) => [outer, &[1]].concat(),
            _ => shape.to_vec(),
        }
    }

    fn of_the_class(&self, tensor: &Tensor) -> Result<Tensor> {
        match self.options.class_id {
            Some(class) => Ok(tensor.slice(tensor.shape().len() - 1, class..class + 1)?),
            None => Ok(tensor.clone()),
        }
    }

    fn output(&self, output: &Tensor) -> Result<Tensor> {
        let mut output = match self.options.from_logits {
            true => output.sigmoid(),
            false => output.clone(),
        };
        if let Some(k) = self.options.top_k {
            output = best(&output, k)?;
        }
        self.of_the_class(&output)
    }
}

/// 1 where fewer than `k` of the row are greater, 0 elsewhere and in rows with a NaN.
fn best(output: &Tensor, k: usize) -> Result<Tensor> {
    let values = output.to_vec();
    let width = output.shape().last().copied().unwrap_or(1).max(1);
    let among = |row: &[f32], value: f32| {
        let whole = row.iter().all(|other| !other.is_nan());
        f32::from(whole && row.iter().filter(|other| **other > value).count() < k)
    };
    let rows = values.chunks_exact(width);
    let found = rows.flat_map(|row| row.iter().map(move |value| among(row, *value)));
    Ok(Tensor::from_vec(output.shape(), found.collect())?)
}

impl Metric for Selected {
    /// `precision_of_class_3`, `precision_top_2`, so that several may stand beside each other.
    fn name(&self) -> String {
        let mut name = self.metric.name();
        if let Some(k) = self.options.top_k {
            name += &format!("_top_{k}");
        }
        if let Some(class) = self.options.class_id {
            name += &format!("_of_class_{class}");
        }
        name
    }

    fn config(&self) -> Value {
        let mut config = self.metric.config();
        let Some(entries) = config.as_object_mut() else {
            return config;
        };
        let Options {
            class_id,
            top_k,
            from_logits,
        } = self.options;
        if let Some(class) = class_id {
            entries.insert("class_id".into(), json!(class));
        }
        if let Some(k) = top_k {
            entries.insert("top_k".into(), json!(k));
        }
        if from_logits {
            entries.insert("from_logits".into(), json!(true));
        }
        config
    }

    fn mode(&self) -> Mode {
        self.metric.mode()
    }

    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        if let Some(class) = self.options.class_id {
            let fits = |shape: &[usize]| shape.last().is_some_and(|classes| class < *classes);
            if !(fits(output) && fits(target)) {
                let message = format!(
                    "there is no class {class} in the model's output {output:?} and the targets {target:?}"
                );
                return Err(Error::shapes(self.name(), message));
            }
        }
        if self.options.top_k == Some(0) {
            return Err(setting::of(
                &self.name(),
                "top_k is 0, it must be at least 1".into(),
            ));
        }
        self.metric.sums(&self.shape(output), &self.shape(target))
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let (output, target) = (self.output(output)?, self.of_the_class(target)?);
        self.metric.add(sums, &output, &target, sample_weights)
    }

    fn value(&self, sums: &[f64]) -> f64 {
        self.metric.value(sums)
    }

    fn values(&self, sums: &[f64]) -> Vec<f64> {
        self.metric.values(sums)
    }
}

/// A metric from its own settings and the options among them.
pub(in crate::metrics) fn read_options(row: &Row, config: &Value) -> Result<Box<dyn Metric>> {
    let Value::Object(entries) = config else {
        return (row.from_config)(config);
    };
    let is_option = |key: &str| CLASSES.contains(&row.class_name) && KEYS.contains(&key);
    let (options, own): (Map<String, Value>, Map<String, Value>) = entries
        .clone()
        .into_iter()
        .partition(|(key, _)| is_option(key));
    let metric = (row.from_config)(&Value::Object(own))?;
    let options: Options = parse(row.class_name, &Value::Object(options))?;
    if options == Options::default() {
        return Ok(metric);
    }
    if options.top_k == Some(0) {
        let fault = "top_k is 0, it must be at least 1";
        return Err(setting::of(row.class_name, fault.into()));
    }
    Ok(Box::new(Selected { metric, options }))
}
