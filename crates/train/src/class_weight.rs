//! A loss in which the samples of one class count more than those of another.

use crate::{Error, Result, labels, outputs::Term, setting};
use serde_json::Value;
use std::collections::BTreeMap;
use taper_autograd::{Tape, Var};
use taper_nn::{ActivationKind, Loss, Result as NnResult};
use taper_tensor::Tensor;

/// A loss with the weights of the samples' classes; classes without a weight have 1.
#[derive(Debug)]
pub(crate) struct ClassWeighted<'a> {
    pub(crate) loss: &'a dyn Loss,
    pub(crate) weights: &'a BTreeMap<usize, f64>,
}

impl<'a> ClassWeighted<'a> {
    /// The loss of the model's one output with these weights; `None` without any.
    ///
    /// # Errors
    /// As [`check`](Self::check); a model of several outputs.
    pub(crate) fn new(
        weights: &'a BTreeMap<usize, f64>,
        terms: &[Term<'a>],
    ) -> Result<Option<Self>> {
        if weights.is_empty() {
            return Ok(None);
        }
        let [term] = terms else {
            let names: Vec<&str> = terms.iter().map(|term| term.name.as_str()).collect();
            let message = format!(
                "class_weight: the model has the outputs {}, and a sample may be of another class for each; give the \
                 samples weights of their own (InMemory::with_sample_weights, Dataset::sample_weight)",
                names.join(", ")
            );
            return Err(Error::Setting(message));
        };
        let weighted = ClassWeighted {
            loss: term.loss,
            weights,
        };
        weighted.check(&term.output, &term.target)?;
        Ok(Some(weighted))
    }

    /// Whether such weights can be had for samples of these shapes (without the batch axis).
    ///
    /// # Errors
    /// A weight that is negative or no number; a class that there is not; outputs that are not one row of scores a
    /// sample; a loss that does not give its value sample by sample.
    fn check(&self, output: &[usize], target: &[usize]) -> Result<()> {
        let refuse = |message: String| Err(Error::Setting(format!("class_weight: {message}")));
        for (class, weight) in self.weights {
            setting::not_negative(&format!("the weight of class {class}"), *weight)
                .or_else(refuse)?;
        }
        let classes = labels::number_of_classes("class_weight", output, target)?;
        if output.len() > 1 {
            return refuse(format!(
                "a sample has no one class where outputs are {output:?}"
            ));
        }
        if let Some((class, _)) = self
            .weights
            .last_key_value()
            .filter(|(c, _)| **c >= classes)
        {
            return refuse(format!(
                "there is no class {class}, only 0 to {}",
                classes - 1
            ));
        }
        let one = |shape: &[usize]| Tensor::zeros([&[1], shape].concat());
        self.forward(&Tape::new().constant(&one(output)), &one(target))?;
        Ok(())
    }

    /// How much each sample of a batch counts: its class's weight, times its own.
    pub(crate) fn weights(
        &self,
        output: &[usize],
        target: &Tensor,
        own: Option<&Tensor>,
    ) -> Result<Tensor> {
        let weights = self.of(output, target)?;
        Ok(match own {
            Some(own) => weights.mul(own)?,
            None => weights,
        })
    }

    /// The weight of each sample of a batch.
    fn of(&self, output: &[usize], target: &Tensor) -> NnResult<Tensor> {
        let classes = labels::classes_of_samples("class_weight", output, target)
            .map_err(|error| taper_nn::Error::loss(self.loss.name(), error.to_string()))?;
        let weight = |class: &Option<usize>| class.and_then(|class| self.weights.get(&class));
        let weights: Vec<f32> = classes
            .iter()
            .map(|class| weight(class).map_or(1.0, |weight| *weight as f32))
            .collect();
        Ok(Tensor::from_vec([weights.len()], weights)?)
    }
}

impl Loss for ClassWeighted<'_> {
    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn config(&self) -> Value {
        self.loss.config()
    }

    fn forward(&self, output: &Var, target: &Tensor) -> NnResult<Var> {
        let weights = self.of(output.shape(), target)?;
        self.loss.forward_weighted(output, target, &weights)
    }

    /// For samples that have weights of their own, too: both are multiplied.
    fn per_sample(&self, output: &Var, target: &Tensor) -> NnResult<Var> {
        let weights = self.of(output.shape(), target)?;
        let weights = output.tape().constant(&weights);
        Ok(self.loss.per_sample(output, target)?.mul(&weights)?)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var,
        target: &Tensor,
        activation: ActivationKind,
    ) -> Option<NnResult<Var>> {
        let losses = self
            .loss
            .per_sample_from_logits(logits, target, activation)?;
        Some(losses.and_then(|losses| {
            let weights = self.of(logits.shape(), target)?;
            Ok(losses.mul(&logits.tape().constant(&weights))?)
        }))
    }

    fn from_logits(
        &self,
        logits: &Var,
        target: &Tensor,
        activation: ActivationKind,
    ) -> Option<NnResult<Var>> {
        match self.of(logits.shape(), target) {
            Ok(weights) => self
                .loss
                .from_logits_weighted(logits, target, &weights, activation),
            Err(error) => Some(Err(error)),
        }
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> NnResult<()> {
        self.loss.check_target(output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        self.loss.is_cross_entropy()
    }

    fn is_classification(&self) -> bool {
        self.loss.is_classification()
    }
}
