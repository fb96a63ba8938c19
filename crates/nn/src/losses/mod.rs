//! The losses, one file each, and the table of them. Each is the mean over the batch (and over all positions of one
//! output), as Keras's `sum_over_batch_size`; penalties of weights come on top and are no part of it.

mod binary_crossentropy;
mod categorical_crossentropy;
mod categorical_hinge;
mod cosine_similarity;
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

pub use kinds::*;

/// The types alone, for the crate's root and preludes.
pub mod kinds {
    pub use super::binary_crossentropy::BinaryCrossentropy;
    pub use super::categorical_crossentropy::CategoricalCrossentropy;
    pub use super::categorical_hinge::CategoricalHinge;
    pub use super::cosine_similarity::CosineSimilarity;
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
}

use crate::{ActivationKind, Error, Result};
use serde_json::Value;
use std::fmt::Debug;
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
    /// otherwise.
    #[allow(clippy::wrong_self_convention)] // Keras's word
    fn from_logits(
        &self,
        _logits: &Var<E>,
        _target: &Tensor<E>,
        _activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        None
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
        categorical_crossentropy::row(),
        categorical_hinge::row(),
        cosine_similarity::row(),
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
    ]
}

/// Reads the settings of the loss with this name, in either of Keras's forms.
///
/// ```
/// use serde_json::{Value, json};
/// let loss = taper_nn::losses::from_config::<f32>("categorical_crossentropy", &json!({"label_smoothing": 0.1}))?;
/// assert_eq!(loss.name(), "categorical_crossentropy");
/// assert!(taper_nn::losses::from_config::<f32>("MeanSquaredError", &Value::Null).is_ok());
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
    (row.from_config)(config)
}

/// Shapes of one sample: the target's is the output's; a target without the last axis is taken for one of length 1.
fn check_same(loss: &'static str, output: &[usize], target: &[usize]) -> Result<()> {
    if target == output || matches!(output, [outer @ .., 1] if target == outer) {
        return Ok(());
    }
    let message = format!("it takes a target of the output's shape {output:?}, not {target:?}");
    Err(Error::loss(loss, message))
}

/// Shapes of one sample: the target has one number where the output has a row of scores.
fn check_class_numbers(loss: &'static str, output: &[usize], target: &[usize]) -> Result<()> {
    if let [outer @ .., _] = output
        && (target == outer || matches!(target, [rest @ .., 1] if rest == outer))
    {
        return Ok(());
    }
    let message = format!(
        "it takes one class number for each row of scores in the output {output:?}, not a target of {target:?}"
    );
    Err(Error::loss(loss, message))
}

/// output − target.
fn difference<E: Element>(
    loss: &'static str,
    output: &Var<E>,
    target: &Tensor<E>,
) -> Result<Var<E>> {
    let target = fit(loss, output.shape(), target)?;
    Ok(output.sub(&output.tape().constant(&target))?)
}

/// 1 − target · output, for targets of −1 and 1; where all are 0 and 1, these are meant.
fn margins<E: Element>(loss: &'static str, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
    let mut target = fit(loss, output.shape(), target)?;
    if target
        .to_vec()
        .iter()
        .all(|&t| t.is_zero() || t == E::one())
    {
        target = target.scale(E::from_f64(2.0)).shift(-E::one());
    }
    let target = output.tape().constant(&target);
    Ok(output.mul(&target)?.neg().shift(E::one()))
}

/// The axis of scores, of an output `[n, …, k]`.
fn last_axis(loss: &'static str, output: &[usize]) -> Result<usize> {
    let last = output.len().checked_sub(1).filter(|&axis| axis > 0);
    last.ok_or_else(|| {
        let message = format!("an output [n, …, k] is wanted, this one is {output:?}");
        Error::loss(loss, message)
    })
}

/// Sums along the last axis.
fn sum_of_rows<E: Element>(loss: &'static str, values: &Var<E>) -> Result<Var<E>> {
    let axis = last_axis(loss, values.shape())?;
    Ok(values.sum_axes(&[axis], false)?)
}

/// Values `[n, …]` to their means `[n]` over each sample.
fn means_of_samples<E: Element>(values: &Var<E>) -> Result<Var<E>> {
    let [samples, rest @ ..] = values.shape() else {
        return Ok(values.reshape([1])?);
    };
    if rest.is_empty() {
        return Ok(values.clone());
    }
    let rows = [*samples, rest.iter().product()];
    Ok(values.reshape(rows)?.mean_axes(&[1], false)?)
}

/// Σ wᵢ · lossᵢ / n.
fn weighted_mean<E: Element>(
    name: &'static str,
    losses: &Var<E>,
    weights: &Tensor<E>,
) -> Result<Var<E>> {
    if weights.shape() != losses.shape() {
        let (samples, given) = (losses.shape(), weights.shape());
        let message =
            format!("there is a loss for each sample, {samples:?}, but weights of {given:?}");
        return Err(Error::loss(name, message));
    }
    Ok(losses.mul(&losses.tape().constant(weights))?.mean())
}

/// What Keras clips probabilities to: [1e-7, 1 − 1e-7].
const EPSILON: f64 = 1e-7;

fn clip<E: Element>(probabilities: &Var<E>) -> Var<E> {
    probabilities.clip(E::from_f64(EPSILON), E::from_f64(1.0 - EPSILON))
}

/// The target in the shape of the output; `[n]` is taken for `[n, 1]`.
fn fit<E: Element>(loss: &'static str, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
    if target.shape() == output {
        return Ok(target.clone());
    }
    if let [outer @ .., 1] = output
        && target.shape() == outer
    {
        return Ok(target.reshape(output)?);
    }
    let message = format!(
        "the output is {output:?}, the target {:?}; both must have the same shape",
        target.shape()
    );
    Err(Error::loss(loss, message))
}

/// `target · (1 − smoothing) + smoothing · to`: a target that is a little less sure.
fn smooth<E: Element>(target: &Tensor<E>, smoothing: f64, to: f64) -> Tensor<E> {
    if smoothing == 0.0 {
        return target.clone();
    }
    target
        .scale(E::from_f64(1.0 - smoothing))
        .shift(E::from_f64(smoothing * to))
}

fn check_smoothing(class_name: &str, smoothing: f64) -> Result<()> {
    if (0.0..=1.0).contains(&smoothing) {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{class_name}: label_smoothing {smoothing} is not in [0, 1]"
    )))
}

#[cfg(test)]
mod tests;
