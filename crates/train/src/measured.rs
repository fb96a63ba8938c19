//! What is measured on a set of samples: the metrics that were asked for, where classes are told apart accuracy, and the
//! loss of each output where there are several.

use crate::{
    Accuracy, Error, Metric, Result,
    labels::check_classes,
    loss_check,
    names::{self, Named},
    outputs::{Term, Wish},
};
use std::collections::BTreeMap;

pub(crate) use crate::names::ACCURACY;

/// Metrics, each with its name and the number of its sums.
#[derive(Clone, Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) metrics: Vec<Entry<'a>>,
    /// What the losses of the outputs are called; empty for one output, whose loss is the whole.
    pub(crate) losses: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) metric: &'a dyn Metric,
    pub(crate) name: String,
    pub(crate) sums: usize,
    /// Which of the model's outputs.
    pub(crate) output: usize,
    /// Whether samples count with their weights.
    pub(crate) weighted: bool,
}

impl<'a> Measured<'a> {
    /// Of these outputs. Accuracy is added where an output's loss tells classes apart. Names are Keras's: those of
    /// several outputs stand before their metrics', and a weighted metric is called `weighted_…` where the same is
    /// measured without weights.
    ///
    /// # Errors
    /// A metric cannot compare such outputs with such targets, or has a name that is taken; a setting of a loss is out of
    /// its range.
    pub(crate) fn of(terms: &[Term<'_>], wishes: &[Wish<'a>]) -> Result<Self> {
        terms
            .iter()
            .try_for_each(|term| loss_check::check(term.loss))?;
        let several = terms.len() > 1;
        let prefix = |term: &Term<'_>| match several {
            true => format!("{}_", term.name),
            false => String::new(),
        };
        let mut metrics: Vec<Entry<'a>> = Vec::new();
        for weighted in [false, true] {
            for (output, term) in terms.iter().enumerate() {
                let of_it = |wish: &&Wish<'a>| wish.output.is_none_or(|name| name == term.name);
                let wishes = wishes.iter().filter(|wish| wish.weighted == weighted);
                let mut wishes: Vec<Wish<'a>> = wishes.filter(of_it).copied().collect();
                keep_first_of_same(&mut wishes);
                if !weighted && tells_classes(term) && !wishes.iter().any(is_accuracy) {
                    wishes.insert(
                        0,
                        Wish {
                            metric: &Accuracy,
                            output: None,
                            weighted,
                        },
                    );
                }
                for wish in wishes {
                    let plain = format!("{}{}", prefix(term), wish.metric.name());
                    let taken = metrics.iter().any(|entry| entry.name == plain);
                    let name = match weighted && taken {
                        true => format!("{}weighted_{}", prefix(term), wish.metric.name()),
                        false => plain,
                    };
                    let sums = wish.metric.sums(&term.output, &term.target);
                    metrics.push(Entry {
                        metric: wish.metric,
                        name,
                        sums: sums.map_err(|error| of_one_output(error, term, several))?,
                        output,
                        weighted,
                    });
                }
            }
        }
        let losses = terms.iter().filter(|_| several);
        let measured = Measured {
            losses: losses.map(|term| format!("{}loss", prefix(term))).collect(),
            metrics,
        };
        measured.check_names().map(|()| measured)
    }

    /// Names of everything that is measured, with the losses of the outputs.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.losses
            .iter()
            .chain(self.metrics.iter().map(|entry| &entry.name))
    }

    /// Accuracy, if it is measured, and the others by name, with the losses of the outputs.
    pub(crate) fn split(
        &self,
        losses: impl IntoIterator<Item = f64>,
        metrics: impl IntoIterator<Item = f64>,
    ) -> (Option<f64>, BTreeMap<String, f64>) {
        let values = losses.into_iter().chain(metrics);
        let mut values: BTreeMap<String, f64> = self.names().cloned().zip(values).collect();
        (values.remove(ACCURACY), values)
    }

    fn check_names(&self) -> Result<()> {
        let losses = self.losses.iter().map(|name| Named {
            name,
            what: "the loss of an output".into(),
            metric: None,
        });
        let metrics = self.metrics.iter().map(|entry| Named {
            name: &entry.name,
            what: format!("the metric {:?}", entry.metric),
            metric: Some(entry.metric),
        });
        names::check(&losses.chain(metrics).collect::<Vec<_>>())
    }
}

#[cfg(test)]
impl<'a> Measured<'a> {
    /// Of one output.
    pub(crate) fn new(
        metrics: &'a [Box<dyn Metric>],
        loss: &dyn taper_nn::Loss,
        output: &[usize],
        target: &[usize],
    ) -> Result<Self> {
        let term = Term {
            name: "dense".into(),
            loss,
            weight: 1.0,
            output: output.to_vec(),
            field: 0,
            target: target.to_vec(),
        };
        let wishes = metrics.iter().map(|metric| Wish {
            metric: &**metric,
            output: None,
            weighted: false,
        });
        Self::of(&[term], &wishes.collect::<Vec<_>>())
    }
}

/// One that was asked for of all outputs, and again of this one.
fn keep_first_of_same(wishes: &mut Vec<Wish<'_>>) {
    let mut seen: Vec<String> = Vec::new();
    wishes.retain(|wish| {
        let told = format!("{:?}", wish.metric);
        let is_new = !seen.contains(&told);
        seen.push(told);
        is_new
    });
}

fn is_accuracy(wish: &Wish<'_>) -> bool {
    wish.metric.name() == ACCURACY
}

fn tells_classes(term: &Term<'_>) -> bool {
    let shapes = || check_classes(ACCURACY, &term.output, &term.target);
    term.loss.is_classification() && shapes().is_ok()
}

/// The error of a metric that was asked for without an output's name, perhaps.
fn of_one_output(error: Error, term: &Term<'_>, several: bool) -> Error {
    if !several {
        return error;
    }
    let message = format!(
        "{error} (output {}); to measure it on some outputs only, say metric_for with their names",
        term.name
    );
    Error::Setting(message)
}
