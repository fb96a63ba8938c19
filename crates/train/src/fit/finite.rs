//! Whether a step may be taken: what a batch came to must be finite before the optimizer and the moving statistics keep it;
//! and what is said where it is not.
//!
//! The moving statistics are put back, and the optimizer makes no step that it cannot make whole, so that a batch that is
//! refused leaves nothing behind and costs no copy of the weights.

use super::Run;
use crate::{Callback, EpochRecord, Error, Event, Result, evaluate::penalty, moments};
use std::ops::ControlFlow;
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::Model;
use taper_tensor::Tensor;

/// What is not finite.
pub(super) enum Fault {
    Loss(f64),
    Penalty(f64),
    /// A running statistic that the batch would have left, by its name.
    Statistic(String),
    /// What the optimizer would not take or write: of which weight, and what of it.
    Step(usize, &'static str),
    /// Something else went wrong.
    Other(Error),
}

impl<'a> Run<'_, 'a> {
    /// The weights that a forward pass replaces (moving statistics), to be put back. Shared, not copied.
    pub(super) fn statistics(&self) -> Vec<(usize, Tensor)> {
        let parameters = self.model.parameters().iter().enumerate();
        parameters
            .filter(|(_, parameter)| !parameter.trainable)
            .map(|(index, parameter)| (index, parameter.value.clone()))
            .collect()
    }

    /// Undoes what the forward pass of a refused batch wrote.
    pub(super) fn put_back(&mut self, statistics: Vec<(usize, Tensor)>) {
        for (index, value) in statistics {
            self.model.parameters_mut()[index].value = value;
        }
    }

    /// What a batch that could not be run to its end is refused for.
    pub(super) fn not_run(&self, error: taper_nn::Error, batch: &Batch, rate: f64) -> Error {
        match error {
            taper_nn::Error::NotFinite {
                weight,
                loss,
                penalty,
            } => self.refusal(Fault::Statistic(weight), batch, (loss, penalty), rate),
            other => other.into(),
        }
    }

    /// The optimizer's step, if all that the batch came to is finite.
    pub(super) fn learn(
        &mut self,
        loss: f64,
        penalty: f64,
        gradients: Vec<Option<Tensor>>,
        rate: f64,
    ) -> Result<(), Fault> {
        if !loss.is_finite() {
            return Err(Fault::Loss(loss));
        }
        if !penalty.is_finite() {
            return Err(Fault::Penalty(penalty));
        }
        let optimizer = &*self.settings.optimizer;
        match moments::step(optimizer, &mut self.state, self.model, rate, gradients) {
            Err(Error::Optim(taper_optim::Error::NotFinite { weight, what, .. })) => {
                Err(Fault::Step(weight, what))
            }
            other => other.map_err(Fault::Other),
        }
    }

    /// The error for a batch that was not learnt from, with its true cause. What it moved is put back already.
    pub(super) fn refusal(
        &self,
        fault: Fault,
        batch: &Batch,
        (loss, penalty): (f64, f64),
        rate: f64,
    ) -> Error {
        if let Fault::Other(error) = fault {
            return error;
        }
        let own_weights = batch.sample_weights.iter().collect();
        let used = [
            self.goal.inputs(batch),
            self.goal.targets(batch),
            own_weights,
        ]
        .concat();
        let of_training = || {
            if let Some(broken) = in_weights(self.model) {
                return (broken, true);
            }
            let what = self.describe(&fault);
            let writes = matches!(fault, Fault::Step(_, what) if what != "gradient");
            let first = self.state.iterations == 0;
            let (size, place) = largest(self.data, batch, &used);
            let by_data = match first {
                true => size > LARGE && !(writes && rate > 1.0),
                // Diverged weights are larger than most data.
                false => size > HUGE && size > self.largest_weight(),
            };
            match place {
                Some(place) if by_data => {
                    let advice = format!("{what}; {place} holds {}: scale the data", short(size));
                    (advice, false)
                }
                _ if rate > 0.0 && (writes || !first) => {
                    let rate = short(rate);
                    let advice = format!(
                        "{what}: training has diverged; try a learning rate lower than {rate}"
                    );
                    (advice, true)
                }
                _ => (what, true),
            }
        };
        let of_data = in_data(self.data, batch, &used).map(|cause| (cause, false));
        let (cause, diverged) = of_data.unwrap_or_else(of_training);
        Error::NotFinite {
            cause,
            diverged,
            epoch: self.epoch + 1,
            batch: self.batch + 1,
            batches: self.batches,
            loss,
            penalty,
            learning_rate: rate,
        }
    }

    fn largest_weight(&self) -> f64 {
        let parameters = self.model.parameters().iter();
        let values = parameters.map(|parameter| Some(&parameter.value));
        Tensor::magnitudes(values).into_iter().fold(0.0, f64::max)
    }

    fn describe(&self, fault: &Fault) -> String {
        let parameters = self.model.parameters();
        let name = |index: &usize| parameters.get(*index).map_or("", |p| p.name.as_str());
        match fault {
            Fault::Loss(value) => format!("the loss is {value}"),
            Fault::Penalty(value) => {
                let broken = |p: &&taper_nn::Parameter| {
                    let penalty = p.regularizer.map(|r| r.value(&p.value));
                    p.trainable && penalty.is_some_and(|value| !value.is_finite())
                };
                match parameters.iter().find(broken) {
                    Some(p) => format!("the penalty of {} is {value}", p.name),
                    None => format!("the penalty of a layer's outputs is {value}"),
                }
            }
            Fault::Statistic(name) => format!("{name} would no longer be finite"),
            Fault::Step(index, "gradient") => {
                format!("the gradient of {} is not finite", name(index))
            }
            Fault::Step(index, "weight") => format!("{} would no longer be finite", name(index)),
            Fault::Step(index, slot) => {
                format!("the {slot} of {} would no longer be finite", name(index))
            }
            Fault::Other(error) => error.to_string(),
        }
    }

    /// Tells, once a run, why a loss that was measured at the end of an epoch is not finite. That ends no training: such
    /// figures stand in the history, and callbacks decide.
    pub(super) fn warn_of_figures(
        &mut self,
        callbacks: &mut [Box<dyn Callback + 'a>],
        record: &EpochRecord,
    ) {
        let broken = |value: Option<f64>| value.filter(|value| !value.is_finite());
        let validation = broken(record.val_loss).map(|v| ("val_loss", v, self.settings.validation));
        let training = broken(record.train_data_loss);
        let training = training.map(|v| ("the loss on the training set", v, Some(self.data)));
        let Some((name, value, data)) = validation.or(training).filter(|_| !self.warned) else {
            return;
        };
        self.warned = true;
        let of_data = data.and_then(|data| in_whole(data, self.settings.batch_size));
        let of_penalty = || {
            let value = penalty(self.model);
            (!value.is_finite()).then(|| format!("the penalty of the weights is {value}"))
        };
        let cause = of_data
            .or_else(|| in_weights(self.model))
            .or_else(of_penalty);
        let rate = record.learning_rate;
        let advice = || match rate > 0.0 {
            true => format!(
                "its data and all weights are finite, but the outputs too large: try a learning rate lower than {}",
                short(rate)
            ),
            false => "its data and all weights are finite, but the outputs too large".to_owned(),
        };
        let cause = cause.unwrap_or_else(advice);
        let text = format!("{name} of epoch {} is {value}: {cause}", record.epoch);
        self.tell(callbacks, &Event::Warning(&text));
    }
}

/// Data larger than this is worth a word where something overflows before the first step.
const LARGE: f64 = 1e4;

/// And after steps that were sound: what is so large overflows when it is squared a few times.
const HUGE: f64 = 1e12;

/// Which value of the fields in use of a batch is not finite, and whose it is.
fn in_data(data: &dyn Dataset, batch: &Batch, used: &[&Tensor]) -> Option<String> {
    fields_in_use(data, batch, used).find_map(|(what, tensor)| {
        let values = tensor.to_vec();
        let at = values.iter().position(|value| !value.is_finite())?;
        let sample = sample(batch, values.len(), at)?;
        Some(format!(
            "the {what} of sample {sample} holds {}",
            values[at]
        ))
    })
}

/// The same for all batches of a data set.
fn in_whole(data: &dyn Dataset, batch_size: usize) -> Option<String> {
    let batches = Batches {
        dataset: data,
        batch_size,
        epoch: 0,
        shuffle: None,
        first_batch: 0,
    };
    let flow = batches.for_each(|batch| {
        let all: Vec<&Tensor> = fields(data, &batch).map(|(_, tensor)| tensor).collect();
        match in_data(data, &batch, &all) {
            Some(found) => ControlFlow::Break(found),
            None => ControlFlow::Continue(()),
        }
    });
    flow.ok()?.break_value()
}

/// The first weight that is not finite.
fn in_weights(model: &Model) -> Option<String> {
    let broken = model.parameters().iter().find(|p| !p.value.is_finite())?;
    Some(format!("the weight {} is not finite", broken.name))
}

/// The largest magnitude in the fields in use of a batch, and where it is.
fn largest(data: &dyn Dataset, batch: &Batch, used: &[&Tensor]) -> (f64, Option<String>) {
    let mut most = (0.0, None);
    for (what, tensor) in fields_in_use(data, batch, used) {
        let values = tensor.to_vec();
        for (at, value) in values.iter().enumerate() {
            if f64::from(value.abs()) > most.0 {
                let of = sample(batch, values.len(), at);
                most = (
                    f64::from(value.abs()),
                    of.map(|of| format!("the {what} of sample {of}")),
                );
            }
        }
    }
    most
}

/// The inputs, targets and sample weights of a batch with what they are called.
fn fields<'b>(data: &dyn Dataset, batch: &'b Batch) -> impl Iterator<Item = (String, &'b Tensor)> {
    let named = |kind: &'static str, fields: Vec<taper_datasets::Field>| {
        let names = fields.into_iter().map(move |field| match field.name {
            name if name == kind => name,
            name => format!("{kind} {name:?}"),
        });
        names.chain(std::iter::repeat(kind.to_owned()))
    };
    let inputs = named("input", data.inputs()).zip(&batch.inputs);
    let targets = named("target", data.targets()).zip(&batch.targets);
    let weights = std::iter::repeat("weight".to_owned()).zip(&batch.sample_weights);
    inputs.chain(targets).chain(weights)
}

/// Those among them that the model and its losses see.
fn fields_in_use<'b>(
    data: &dyn Dataset,
    batch: &'b Batch,
    used: &[&Tensor],
) -> impl Iterator<Item = (String, &'b Tensor)> {
    let in_use = |tensor: &Tensor| used.iter().any(|used| std::ptr::eq(*used, tensor));
    fields(data, batch).filter(move |(_, tensor)| in_use(tensor))
}

/// Whose value number `at` of `all` is.
fn sample(batch: &Batch, all: usize, at: usize) -> Option<u32> {
    let each = (all / batch.indices.len().max(1)).max(1);
    batch.indices.get(at / each).copied()
}

/// A few digits are enough to be recognized by.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}
