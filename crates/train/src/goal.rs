//! What a model is trained for or measured on, with one data set: which inputs go where, a loss an output, and metrics.

use crate::{
    DataLoss, Result,
    measured::Measured,
    outputs::{Term, Wishes},
    shapes,
};
use taper_datasets::{Batch, Dataset};
use taper_nn::{Loss, Losses, Model};
use taper_tensor::Tensor;

/// Model and data brought together.
#[derive(Clone, Debug)]
pub(crate) struct Goal<'a> {
    /// Which of the data set's inputs each of the model's is.
    inputs: Vec<usize>,
    /// One an output.
    pub(crate) terms: Vec<Term<'a>>,
    pub(crate) measured: Measured<'a>,
}

impl<'a> Goal<'a> {
    /// Checks that all fits, before anything is computed.
    pub(crate) fn new(
        operation: &'static str,
        model: &Model,
        data: &dyn Dataset,
        batch_size: usize,
        wishes: &Wishes<'a>,
    ) -> Result<Self> {
        let inputs = shapes::check(operation, model, data, batch_size)?;
        let terms = shapes::terms(operation, model, data, wishes)?;
        let measured = Measured::of(&terms, wishes.metrics())?;
        Ok(Goal {
            inputs,
            terms,
            measured,
        })
    }

    /// The inputs of a batch in the model's order.
    pub(crate) fn inputs<'b>(&self, batch: &'b Batch) -> Vec<&'b Tensor> {
        self.inputs.iter().map(|&i| &batch.inputs[i]).collect()
    }

    /// The targets of a batch in the order of the model's outputs.
    pub(crate) fn targets<'b>(&self, batch: &'b Batch) -> Vec<&'b Tensor> {
        let fields = self.terms.iter().map(|term| term.field);
        fields.map(|i| &batch.targets[i]).collect()
    }

    /// The losses with their weights.
    pub(crate) fn losses(&self) -> Losses<'_> {
        let terms = self.terms.iter();
        terms
            .map(|term| (term.loss, term.weight))
            .collect::<Vec<(&dyn Loss, f64)>>()
            .into()
    }

    /// What the sum of the losses is.
    pub(crate) fn kind(&self) -> DataLoss {
        match &*self.terms {
            [term] => DataLoss::of(term.loss),
            _ => DataLoss::Other,
        }
    }

    /// The losses by name, for the notes of a checkpoint.
    pub(crate) fn describe(&self) -> String {
        let one = |term: &Term<'_>| match term.weight {
            1.0 => term.loss.name().to_owned(),
            weight => format!("{weight} × {}", term.loss.name()),
        };
        match &*self.terms {
            [term] => one(term),
            terms => {
                let each = terms
                    .iter()
                    .map(|term| format!("{}: {}", term.name, one(term)));
                each.collect::<Vec<_>>().join(", ")
            }
        }
    }
}
