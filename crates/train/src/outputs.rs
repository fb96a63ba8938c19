//! What is asked of a model's outputs: a loss with a weight each, and metrics. The trainer and `Evaluate` are told, by the
//! outputs' names; what is asked becomes terms once model and data are known.

use crate::{Error, Metric, Result};
use std::collections::BTreeMap;
use taper_nn::{Loss, Model};

/// What was said of single outputs, and the metrics of all.
#[derive(Debug, Default)]
pub(crate) struct PerOutput {
    losses: BTreeMap<String, Box<dyn Loss>>,
    weights: BTreeMap<String, f64>,
    metrics: Vec<Asked>,
}

/// A metric that was asked for.
#[derive(Debug)]
struct Asked {
    metric: Box<dyn Metric>,
    /// `None`: of every output.
    output: Option<String>,
    weighted: bool,
}

/// Everything that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Wishes<'a> {
    /// For the outputs without one of their own.
    loss: &'a dyn Loss,
    of_outputs: &'a PerOutput,
    metrics: Vec<Wish<'a>>,
}

/// A metric to be measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) metric: &'a dyn Metric,
    /// `None`: of every output.
    pub(crate) output: Option<&'a str>,
    /// Whether samples count with their weights.
    pub(crate) weighted: bool,
}

/// One output of a model: its part of the loss, and the target that it is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Term<'a> {
    pub(crate) name: String,
    pub(crate) loss: &'a dyn Loss,
    pub(crate) weight: f64,
    /// Shape of a sample.
    pub(crate) output: Vec<usize>,
    /// Which of the data set's targets, and the shape of a sample of it.
    pub(crate) field: usize,
    pub(crate) target: Vec<usize>,
}

impl PerOutput {
    pub(crate) fn loss(&mut self, output: String, loss: Box<dyn Loss>) {
        self.losses.insert(output, loss);
    }

    pub(crate) fn weight(&mut self, output: String, weight: f64) {
        self.weights.insert(output, weight);
    }

    /// One that is there already with the same settings, of the same outputs and the same kind, is not added again.
    pub(crate) fn metric(
        &mut self,
        metric: Box<dyn Metric>,
        output: Option<String>,
        weighted: bool,
    ) {
        let told = format!("{metric:?}");
        let same = |asked: &Asked| {
            (format!("{:?}", asked.metric), &asked.output, asked.weighted)
                == (told.clone(), &output, weighted)
        };
        if !self.metrics.iter().any(same) {
            self.metrics.push(Asked {
                metric,
                output,
                weighted,
            });
        }
    }
}

impl<'a> Wishes<'a> {
    /// Of the loss for all outputs that have none of their own, and of what was said of single ones.
    pub(crate) fn new(loss: &'a dyn Loss, of_outputs: &'a PerOutput) -> Self {
        let wish = |asked: &'a Asked| Wish {
            metric: &*asked.metric,
            output: asked.output.as_deref(),
            weighted: asked.weighted,
        };
        Wishes {
            loss,
            of_outputs,
            metrics: of_outputs.metrics.iter().map(wish).collect(),
        }
    }

    /// With these metrics of every output, too.
    pub(crate) fn with(mut self, metrics: &'a [Box<dyn Metric>]) -> Self {
        self.metrics.extend(metrics.iter().map(|metric| Wish {
            metric: &**metric,
            output: None,
            weighted: false,
        }));
        self
    }

    pub(crate) fn metrics(&self) -> &[Wish<'a>] {
        &self.metrics
    }

    /// The loss and the weight of an output.
    pub(crate) fn loss_of(&self, output: &str) -> (&'a dyn Loss, f64) {
        let own = self.of_outputs.losses.get(output);
        let weight = self.of_outputs.weights.get(output);
        (
            own.map_or(self.loss, |loss| &**loss),
            weight.copied().unwrap_or(1.0),
        )
    }

    /// Whether an output has a loss of its own.
    pub(crate) fn has_own_loss(&self, output: &str) -> bool {
        self.of_outputs.losses.contains_key(output)
    }

    /// Whether every name that was said is one of an output, and every weight a number.
    pub(crate) fn check(&self, operation: &str, model: &Model) -> Result<()> {
        let outputs = model.output_names();
        let known = |name: &str| outputs.iter().any(|output| output == name);
        let losses = self.of_outputs.losses.keys().map(|n| ("loss_for", n));
        let weights = self.of_outputs.weights.keys().map(|n| ("loss_weight", n));
        let metrics = self.of_outputs.metrics.iter().filter_map(|asked| {
            let setter = ["metric_for", "weighted_metric_for"][usize::from(asked.weighted)];
            Some((setter, asked.output.as_ref()?))
        });
        let mut all = losses.chain(weights).chain(metrics);
        if let Some((setter, name)) = all.find(|(_, name)| !known(name)) {
            let message = format!(
                "{operation}: {setter} names the output {name:?}, but the model's are called {}; an output has the \
                 name of the layer that makes it",
                outputs.join(", ")
            );
            return Err(Error::Setting(message));
        }
        let weights = self.of_outputs.weights.iter();
        if let Some((name, weight)) = { weights }.find(|(_, weight)| !weight.is_finite()) {
            let message = format!("{operation}: the weight of the loss of {name} is {weight}");
            return Err(Error::Setting(message));
        }
        Ok(())
    }
}
