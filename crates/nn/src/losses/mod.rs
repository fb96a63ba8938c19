//! The losses, one file each, and the table of them. Each is the mean over the batch (and over all positions of one
//! output), as Keras's `sum_over_batch_size`, unless [`LossExt`] says otherwise; penalties of weights come on top and
//! are no part of it.

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
mod categorical_hinge;
mod circle;
mod cosine_similarity;
mod ctc;
mod dice;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod poisson;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod support;
mod tversky;

pub use kinds::*;
pub use support::{Adapted, Axes, LossExt, Reduction};

/// The types alone, for the crate's root and preludes.
pub mod kinds {
    pub use super::binary_crossentropy::BinaryCrossentropy;
    pub use super::binary_focal_crossentropy::BinaryFocalCrossentropy;
    pub use super::categorical_crossentropy::CategoricalCrossentropy;
    pub use super::categorical_focal_crossentropy::CategoricalFocalCrossentropy;
    pub use super::categorical_generalized_cross_entropy::CategoricalGeneralizedCrossEntropy;
    pub use super::categorical_hinge::CategoricalHinge;
    pub use super::circle::Circle;
    pub use super::cosine_similarity::CosineSimilarity;
    pub use super::ctc::CTC;
    pub use super::dice::Dice;
    pub use super::hinge::Hinge;
    pub use super::huber::Huber;
    pub use super::kl_divergence::KLDivergence;
    pub use super::log_cosh::LogCosh;
    pub use super::mean_absolute_error::MeanAbsoluteError;
    pub use super::mean_absolute_percentage_error::MeanAbsolutePercentageError;
    pub use super::mean_squared_error::MeanSquaredError;
    pub use super::mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
    pub use super::poisson::Poisson;
    pub use super::sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
    pub use super::squared_hinge::SquaredHinge;
    pub use super::tversky::Tversky;
}

use crate::{ActivationKind, Error, Result};
use serde_json::Value;
use std::fmt::Debug;
use support::{
    EPSILON, check_class_numbers, check_same, check_smoothing, clip, difference, fit, last_axis,
    margins, means_of_samples, smooth, softplus_of_samples, sum_of_rows, weighted_mean,
};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Tensor};

/// A loss: the mean over the batch of how far an output is from its target. A pure description.
pub trait Loss<E: Element = f32>: Debug + Send + Sync {
    /// Keras's name, e.g. `categorical_crossentropy`.
    fn name(&self) -> &'static str;

    /// The settings as JSON (Keras's names), which [`from_config`] reads back.
    fn config(&self) -> Value {
        Value::Object(Default::default())
    }

    /// The loss, a scalar on the output's tape. The default is the mean of [`per_sample`](Self::per_sample); a loss has
    /// at least one of the two.
    ///
    /// # Errors
    /// A target that does not fit the output.
    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        Ok(self.per_sample(output, target)?.mean())
    }

    /// The loss of each sample, `[n]` (its mean over the positions of a sample, where there are several), on the
    /// output's tape. Weights of samples and classes need it; the default is an error that says so.
    ///
    /// # Errors
    /// A target that does not fit the output; a loss that does not know.
    fn per_sample(&self, _output: &Var<E>, _target: &Tensor<E>) -> Result<Var<E>> {
        let message = "it does not give its value for each sample (Loss::per_sample), which weights of samples and \
                       classes need";
        Err(Error::loss(self.name(), message))
    }

    /// [`per_sample`](Self::per_sample) from logits, for the activations with which
    /// [`from_logits`](Self::from_logits) has a joint form; `None` otherwise.
    fn per_sample_from_logits(
        &self,
        _logits: &Var<E>,
        _target: &Tensor<E>,
        _activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        None
    }

    /// Σ wᵢ · lossᵢ / n for the weights `[n]` of the samples: divided by their number, not by the sum of the weights,
    /// as Keras's `sum_over_batch_size`.
    ///
    /// # Errors
    /// A target or weights that do not fit the output; a loss without [`per_sample`](Self::per_sample).
    fn forward_weighted(
        &self,
        output: &Var<E>,
        target: &Tensor<E>,
        weights: &Tensor<E>,
    ) -> Result<Var<E>> {
        weighted_mean(self.name(), &self.per_sample(output, target)?, weights)
    }

    /// The same from logits; `None` without a joint form.
    #[allow(clippy::wrong_self_convention)] // as from_logits
    fn from_logits_weighted(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        weights: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = self.per_sample_from_logits(logits, target, activation)?;
        Some(losses.and_then(|losses| weighted_mean(self.name(), &losses, weights)))
    }

    /// Whether a target of this shape goes with an output of that one, both without the batch axis. `fit` asks before
    /// the first batch. The default takes the output's shape, or class numbers: the output's shape without its last
    /// axis, or with 1 there. A loss that compares anything else (two heads against one target, parameters of a
    /// distribution against a value) says here what it takes.
    ///
    /// # Errors
    /// It does not; the message says what the loss takes.
    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(self.name(), output, target)
            .or_else(|_| check_class_numbers(self.name(), output, target))
    }

    /// The activation function that makes an output of logits into what the loss takes, where there is one: with it
    /// [`LossExt::of_logits`] applies (Keras's `from_logits=True`).
    fn activation_of_logits(&self) -> Option<ActivationKind> {
        None
    }

    /// Whether it compares rows along the last axis, so that another axis may stand in its place
    /// ([`LossExt::along`], Keras's `axis`).
    fn compares_rows(&self) -> bool {
        false
    }

    /// How many terms the loss of one sample is the mean of, on average over the samples: for [`Reduction::Sum`], which
    /// adds up all of them. By default one for every row along the last axis of `[n, …, k]`, as Keras counts.
    ///
    /// # Errors
    /// A target that does not fit the output.
    fn terms(&self, output: &Tensor<E>, _target: &Tensor<E>) -> Result<f64> {
        let output = output.shape();
        let inner = output.get(1..output.len().max(1) - 1).unwrap_or_default();
        Ok(inner.iter().product::<usize>() as f64)
    }

    /// Whether the settings are in their ranges, however the loss was made: fields are public. `fit` asks before the
    /// first batch.
    ///
    /// # Errors
    /// Names the setting, the value given and what is allowed.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether it is a cross-entropy, so that histories call it `cross_entropy`; otherwise they call it `data_loss`.
    fn is_cross_entropy(&self) -> bool {
        false
    }

    /// Whether outputs are scores of classes, so that accuracy and a confusion matrix mean something without being
    /// asked for. By default that is so for cross-entropies.
    fn is_classification(&self) -> bool {
        self.is_cross_entropy()
    }

    /// The same from logits, when the model's last layer ends in `activation` and the pair has a joint form that is
    /// stable for logits of any size (softmax + categorical cross-entropy, sigmoid + binary cross-entropy); `None`
    /// otherwise. By default the mean of [`per_sample_from_logits`](Self::per_sample_from_logits).
    #[allow(clippy::wrong_self_convention)] // Keras's word
    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = self.per_sample_from_logits(logits, target, activation)?;
        Some(losses.map(|losses| losses.mean()))
    }
}

/// One kind of loss.
pub struct Row<E: Element = f32> {
    /// Keras's class name, e.g. `CategoricalCrossentropy`.
    pub class_name: &'static str,
    /// Keras's other name, e.g. `categorical_crossentropy`.
    pub name: &'static str,
    /// The formula, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads the settings; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Box<dyn Loss<E>>>,
    /// Random settings, output and target, for gradient checks.
    pub sample: fn(&mut Sampler) -> Sample,
}

/// Settings of a loss, with an output and a target that it takes.
pub struct Sample {
    /// The settings.
    pub config: Value,
    /// An output, away from where the loss has a kink.
    pub output: Tensor<f64>,
    /// A target.
    pub target: Tensor<f64>,
    /// The activation function with which the loss has a joint form.
    pub activation: Option<ActivationKind>,
}

/// Every kind of loss.
pub fn all<E: Element>() -> Vec<Row<E>> {
    vec![
        binary_crossentropy::row(),
        binary_focal_crossentropy::row(),
        categorical_crossentropy::row(),
        categorical_focal_crossentropy::row(),
        categorical_generalized_cross_entropy::row(),
        categorical_hinge::row(),
        circle::row(),
        cosine_similarity::row(),
        ctc::row(),
        dice::row(),
        hinge::row(),
        huber::row(),
        kl_divergence::row(),
        log_cosh::row(),
        mean_absolute_error::row(),
        mean_absolute_percentage_error::row(),
        mean_squared_error::row(),
        mean_squared_logarithmic_error::row(),
        poisson::row(),
        sparse_categorical_crossentropy::row(),
        squared_hinge::row(),
        tversky::row(),
    ]
}

/// Reads the settings of the loss with this name, in either of Keras's forms. Beside the loss's own settings there may be
/// Keras's `reduction`, and `from_logits` and `axis` for the losses that have them ([`LossExt`]).
///
/// ```
/// use serde_json::{Value, json};
/// let loss = taper_nn::losses::from_config::<f32>("categorical_crossentropy", &json!({"label_smoothing": 0.1}))?;
/// assert_eq!(loss.name(), "categorical_crossentropy");
/// assert!(taper_nn::losses::from_config::<f32>("MeanSquaredError", &Value::Null).is_ok());
/// let summed = json!({"from_logits": true, "reduction": "sum"});
/// assert_eq!(taper_nn::losses::from_config::<f32>("BinaryCrossentropy", &summed)?.config()["reduction"], "sum");
/// # Ok::<(), taper_nn::Error>(())
/// ```
///
/// # Errors
/// An unknown name, an unknown entry, or a value out of its range.
pub fn from_config<E: Element>(name: &str, config: &Value) -> Result<Box<dyn Loss<E>>> {
    let rows = all::<E>();
    let Some(row) = rows
        .iter()
        .find(|row| row.class_name == name || row.name == name)
    else {
        let known: Vec<_> = rows.iter().map(|row| row.name).collect();
        return Err(Error::Config(format!(
            "no loss is called {name:?}: there are {}",
            known.join(", ")
        )));
    };
    support::read_options(row, config)
}

#[cfg(test)]
mod tests;
