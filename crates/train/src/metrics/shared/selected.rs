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

    /// Of each class by itself, one along the last axis, and averaged over them (for AUC Keras's `multi_label`);
    /// [`Metric::values`] has all of them.
    fn each_class(self) -> Selected {
        Selected::new(Box::new(self)).each_class()
    }

    /// With the `k` greatest scores of each row called positive, whatever they are (Keras's `top_k`); ties count together.
    fn top_k(self, k: usize) -> Selected {
        Selected::new(Box::new(self)).top_k(k)
    }

    /// For outputs that are logits: their sigmoid is measured (Keras's `from_logits`). Losses have
    /// [`LossExt::of_logits`](taper_nn::LossExt::of_logits).
    fn of_sigmoid(self) -> Selected {
        Selected::new(Box::new(self)).of_sigmoid()
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
    multi_label: bool,
}

const KEYS: [&str; 4] = ["class_id", "top_k", "from_logits", "multi_label"];
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

    /// As [`MetricExt::each_class`].
    #[must_use]
    pub fn each_class(mut self) -> Self {
        self.options.multi_label = true;
        self
    }

    /// As [`MetricExt::top_k`].
    #[must_use]
    pub fn top_k(mut self, k: usize) -> Self {
        self.options.top_k = Some(k);
        self
    }

    /// As [`MetricExt::of_sigmoid`].
    #[must_use]
    pub fn of_sigmoid(mut self) -> Self {
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
            Some(class) => of_class(tensor, class),
            None => Ok(tensor.clone()),
        }
    }

    /// The sums of each class, one after the other.
    fn classes<'a>(&self, sums: &'a [f64]) -> impl Iterator<Item = &'a [f64]> {
        let of_one = self.metric.sums(&[1], &[1]).unwrap_or(sums.len());
        sums.chunks_exact(of_one.max(1))
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

fn of_class(tensor: &Tensor, class: usize) -> Result<Tensor> {
    Ok(tensor.slice(tensor.shape().len() - 1, class..class + 1)?)
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
        if self.options.multi_label {
            name += "_of_each_class";
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
            multi_label,
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
        if multi_label {
            entries.insert("multi_label".into(), json!(true));
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
        if self.options.multi_label && self.options.class_id.is_some() {
            let fault = "it is asked for one class and for each";
            return Err(setting::of(&self.name(), fault.into()));
        }
        if self.options.top_k == Some(0) {
            return Err(setting::of(
                &self.name(),
                "top_k is 0, it must be at least 1".into(),
            ));
        }
        if !self.options.multi_label {
            return self.metric.sums(&self.shape(output), &self.shape(target));
        }
        match (output, target) {
            ([classes], [same]) if classes == same && *classes > 0 => {
                Ok(classes * self.metric.sums(&[1], &[1])?)
            }
            _ => {
                let message = format!(
                    "the model's output {output:?} does not fit the targets {target:?}; [classes] of both are wanted"
                );
                Err(Error::shapes(self.name(), message))
            }
        }
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let (output, target) = (self.output(output)?, self.of_the_class(target)?);
        if !self.options.multi_label {
            return self.metric.add(sums, &output, &target, sample_weights);
        }
        let of_one = self.metric.sums(&[1], &[1])?.max(1);
        for (class, sums) in sums.chunks_exact_mut(of_one).enumerate() {
            let (output, target) = (of_class(&output, class)?, of_class(&target, class)?);
            self.metric.add(sums, &output, &target, sample_weights)?;
        }
        Ok(())
    }

    fn value(&self, sums: &[f64]) -> f64 {
        if !self.options.multi_label {
            return self.metric.value(sums);
        }
        let values = self.values(sums);
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    fn values(&self, sums: &[f64]) -> Vec<f64> {
        match self.options.multi_label {
            true => self
                .classes(sums)
                .map(|sums| self.metric.value(sums))
                .collect(),
            false => self.metric.values(sums),
        }
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
    if options.multi_label && options.class_id.is_some() {
        let fault = "class_id asks for one class and multi_label for each; leave one of them out";
        return Err(setting::of(row.class_name, fault.into()));
    }
    Ok(Box::new(Selected { metric, options }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::from_config;
    use crate::{AUC, Precision};

    #[test]
    fn options_have_names_of_their_own_and_come_back_from_json() {
        for (metric, name) in [
            (Precision::new().of_class(3), "precision_of_class_3"),
            (Precision::new().top_k(2), "precision_top_2"),
            (AUC::new().each_class(), "auc_of_each_class"),
        ] {
            assert_eq!(metric.name(), name);
            let class = if name.starts_with("auc") {
                "AUC"
            } else {
                "Precision"
            };
            let read = from_config(class, &metric.config()).unwrap();
            assert_eq!(
                (read.name(), read.config()),
                (metric.name(), metric.config())
            );
            let restored = crate::metrics::restore(name, &metric.config()).unwrap();
            assert_eq!(restored.config(), metric.config());
        }
    }

    #[test]
    fn what_cannot_be_selected_is_an_error_before_the_first_batch() {
        let metric = Precision::new().of_class(3);
        let error = metric.sums(&[3], &[3]).unwrap_err().to_string();
        assert!(
            error.starts_with("precision_of_class_3") && error.contains("no class 3"),
            "{error}"
        );
        assert!(Precision::new().top_k(0).sums(&[3], &[3]).is_err());
        assert!(AUC::new().each_class().sums(&[2, 3], &[2, 3]).is_err());
        assert!(
            AUC::new()
                .each_class()
                .of_class(0)
                .sums(&[3], &[3])
                .is_err()
        );
        for wrong in [
            json!({"top_k": 0}),
            json!({"class_id": 0, "multi_label": true}),
            json!({"class_id": -1}),
        ] {
            let error = from_config("Precision", &wrong).unwrap_err().to_string();
            assert!(error.starts_with("Precision"), "{error}");
        }
        // Not an option of what does not compare value with value.
        assert!(from_config("CategoricalAccuracy", &json!({"class_id": 1})).is_err());
    }

    #[test]
    fn each_class_has_a_value_of_its_own() {
        let output = Tensor::from_slice([3, 2], &[0.9, 0.8, 0.2, 0.9, 0.1, 0.1]).unwrap();
        let target = Tensor::from_slice([3, 2], &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        let metric = Precision::new().each_class();
        let mut sums = vec![0.0; metric.sums(&[2], &[2]).unwrap()];
        metric.add(&mut sums, &output, &target, None).unwrap();
        assert_eq!(metric.values(&sums), [1.0, 0.5]);
        assert_eq!(metric.value(&sums), 0.75);
    }

    /// A row with a NaN calls nothing.
    #[test]
    fn broken_rows_have_no_best() {
        let output = Tensor::from_slice([2, 2], &[0.9, f32::NAN, 0.9, 0.1]).unwrap();
        assert_eq!(best(&output, 1).unwrap().to_vec(), [0.0, 0.0, 1.0, 0.0]);
    }
}
