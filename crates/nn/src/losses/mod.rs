//! The losses, one file each, and the table of them. Each is the mean over the batch (and over all positions of one
//! output), as Keras's `sum_over_batch_size`; penalties of weights come on top and are no part of it.

mod binary_crossentropy;
mod categorical_crossentropy;
mod mean_squared_error;
mod sparse_categorical_crossentropy;

pub use binary_crossentropy::BinaryCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use mean_squared_error::MeanSquaredError;
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;

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
        mean_squared_error::row(),
        sparse_categorical_crossentropy::row(),
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
mod tests {
    use super::*;
    use taper_autograd::Tape;

    /// The value of a loss of an output, and from logits if there is an activation.
    pub(super) fn value(
        loss: &dyn Loss<f64>,
        output: (&[usize], &[f64]),
        target: (&[usize], &[f64]),
    ) -> f64 {
        let output = Tape::new().constant(&Tensor::from_slice(output.0, output.1).unwrap());
        let target = Tensor::from_slice(target.0, target.1).unwrap();
        loss.forward(&output, &target)
            .unwrap()
            .value()
            .item()
            .unwrap()
    }

    pub(super) fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn no_file_is_missing_from_the_table() {
        let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
        crate::testing::assert_complete("losses", &rows);
    }

    /// From logits and from the activation's output, a loss is the same.
    #[test]
    fn joint_forms_equal_the_separate_ones() {
        for row in all::<f64>() {
            for case in 0..20 {
                let sample = (row.sample)(&mut Sampler::new(11, case));
                let Some(activation) = sample.activation else {
                    continue;
                };
                let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
                let logits = Tape::new().constant(&sample.output);
                let separate = loss
                    .forward(&activation.apply(&logits).unwrap(), &sample.target)
                    .unwrap();
                let joint = loss
                    .from_logits(&logits, &sample.target, activation)
                    .unwrap()
                    .unwrap();
                close(
                    joint.value().item().unwrap(),
                    separate.value().item().unwrap(),
                );
                assert!(
                    loss.from_logits(&logits, &sample.target, ActivationKind::Tanh)
                        .is_none()
                );
            }
        }
    }

    /// The mean over samples is the loss, by either way; weights multiply what each sample contributes.
    #[test]
    fn losses_of_samples_add_up_to_the_loss() {
        for row in all::<f64>() {
            for case in 0..20 {
                let sample = (row.sample)(&mut Sampler::new(12, case));
                let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
                let scalar = |loss: Result<Var<f64>>| loss.unwrap().value().item().unwrap();
                let samples = sample.output.shape()[0];
                let weights = Tensor::from_fn([samples], |i| [0.5, 0.0, 3.0][i % 3]);
                let by_hand = |losses: &[f64]| {
                    let weighted = losses.iter().enumerate();
                    let sum: f64 = weighted.map(|(i, l)| [0.5, 0.0, 3.0][i % 3] * l).sum();
                    sum / samples as f64
                };
                let logits = Tape::new().constant(&sample.output);
                let output = match sample.activation {
                    Some(activation) => activation.apply(&logits).unwrap(),
                    None => logits.clone(),
                };
                let target = &sample.target;
                let losses = loss.per_sample(&output, target).unwrap();
                assert_eq!(losses.shape(), [samples], "{}", row.name);
                let whole = scalar(loss.forward(&output, target));
                close(scalar(Ok(losses.mean())), whole);
                close(
                    scalar(loss.forward_weighted(&output, target, &weights)),
                    by_hand(&losses.value().to_vec()),
                );
                let Some(activation) = sample.activation else {
                    continue;
                };
                let joint = loss.per_sample_from_logits(&logits, target, activation);
                let joint = joint.unwrap().unwrap();
                for (a, b) in joint.value().to_vec().iter().zip(losses.value().to_vec()) {
                    close(*a, b);
                }
                let weighted = loss.from_logits_weighted(&logits, target, &weights, activation);
                close(scalar(weighted.unwrap()), by_hand(&losses.value().to_vec()));
                let other = ActivationKind::Tanh;
                assert!(
                    loss.per_sample_from_logits(&logits, target, other)
                        .is_none()
                );
            }
        }
    }

    /// Weighted losses have the gradients of what they compute, also where logits are exactly 0.
    #[test]
    fn weights_scale_the_gradients_of_their_samples() {
        for row in all::<f64>() {
            let sample = (row.sample)(&mut Sampler::new(13, 4));
            let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
            let samples = sample.output.shape()[0];
            let zeros = Tensor::<f64>::zeros(sample.output.shape());
            for at in [&sample.output, &zeros] {
                let gradient = |factor: f64| {
                    let tape = Tape::new();
                    let logits = tape.parameter(at);
                    let weights = Tensor::full([samples], factor);
                    let joint = sample.activation.map(|activation| match factor {
                        0.0 => loss.from_logits(&logits, &sample.target, activation),
                        _ => {
                            loss.from_logits_weighted(&logits, &sample.target, &weights, activation)
                        }
                    });
                    let value = match (joint.flatten(), factor) {
                        (Some(value), _) => value,
                        (None, 0.0) => loss.forward(&logits, &sample.target),
                        (None, _) => loss.forward_weighted(&logits, &sample.target, &weights),
                    };
                    value.unwrap().backward().unwrap()[&logits].to_vec()
                };
                // A factor of 0 stands for the loss without weights.
                for (a, b) in gradient(2.0).iter().zip(gradient(0.0)) {
                    close(*a, 2.0 * b);
                }
            }
        }
    }

    #[test]
    fn weights_of_another_number_of_samples_are_refused() {
        let output = Tape::new().constant(&Tensor::<f32>::ones([4, 1]));
        let error = MeanSquaredError
            .forward_weighted(&output, &Tensor::ones([4, 1]), &Tensor::ones([3]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("[4]") && error.contains("[3]"), "{error}");
    }

    #[test]
    fn every_loss_says_which_targets_it_takes() {
        for row in all::<f64>() {
            for case in 0..20 {
                let sample = (row.sample)(&mut Sampler::new(14, case));
                let loss = (row.from_config)(&sample.config).unwrap();
                let (output, target) = (&sample.output.shape()[1..], &sample.target.shape()[1..]);
                loss.check_target(output, target).unwrap();
                let error = loss.check_target(output, &[7, 7]).unwrap_err().to_string();
                assert!(
                    error.starts_with(row.name) && error.contains("[7, 7]"),
                    "{error}"
                );
            }
            let loss = (row.from_config)(&Value::Null).unwrap();
            assert_eq!(loss.is_cross_entropy(), row.name.ends_with("crossentropy"));
            // What `check_target` takes, `forward` takes.
            let sparse = loss.check_target(&[3], &[]).is_ok();
            assert_eq!(sparse, row.name.starts_with("sparse"));
            assert_eq!(loss.check_target(&[3], &[3]).is_ok(), !sparse);
        }
    }

    /// A loss of one's own needs one method, and may compare shapes that no built-in loss would.
    #[test]
    fn one_method_makes_a_loss() {
        /// ½·ln σ² + (y − μ)²/2σ², of outputs (μ, ln σ²) against y.
        #[derive(Debug)]
        struct Gaussian;
        impl Loss<f64> for Gaussian {
            fn name(&self) -> &'static str {
                "gaussian"
            }
            fn per_sample(&self, output: &Var<f64>, target: &Tensor<f64>) -> Result<Var<f64>> {
                let (mean, log) = (output.slice(1, 0..1)?, output.slice(1, 1..2)?);
                let error = mean.sub(&output.tape().constant(target))?.square();
                let losses = error.mul(&log.neg().exp())?.add(&log)?.scale(0.5);
                means_of_samples(&losses)
            }
            fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
                match (output, target) {
                    ([2], [1]) => Ok(()),
                    _ => Err(Error::loss(
                        "gaussian",
                        "it takes outputs [2] against targets [1]",
                    )),
                }
            }
        }
        let output = (&[2, 2][..], &[1.0, 0.0, 3.0, 0.0][..]);
        close(value(&Gaussian, output, (&[2, 1], &[0.0, 1.0])), 1.25);
        assert!(Gaussian.check_target(&[2], &[1]).is_ok());
        assert!(Gaussian.check_target(&[2], &[2]).is_err());

        /// Neither method: there is a message and no endless recursion.
        #[derive(Debug)]
        struct Nothing;
        impl Loss<f64> for Nothing {
            fn name(&self) -> &'static str {
                "nothing"
            }
        }
        let output = Tape::new().constant(&Tensor::ones([1, 1]));
        let error = Nothing.forward(&output, &Tensor::ones([1, 1])).unwrap_err();
        assert!(error.to_string().contains("per_sample"), "{error}");
    }

    #[test]
    fn settings_survive_json_and_nonsense_is_refused() {
        for row in all::<f64>() {
            let sample = (row.sample)(&mut Sampler::new(2, 0));
            let loss = from_config::<f64>(row.name, &sample.config).unwrap();
            assert_eq!(loss.name(), row.name);
            assert_eq!(loss.config(), sample.config);
            let error = from_config::<f64>(row.name, &serde_json::json!({"labl": 1}))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(row.class_name) && error.contains("labl"),
                "{error}"
            );
        }
        let smoothing = serde_json::json!({"label_smoothing": 1.5});
        let error = from_config::<f32>("BinaryCrossentropy", &smoothing)
            .unwrap_err()
            .to_string();
        assert!(error.contains("1.5"), "{error}");
        let error = from_config::<f32>("hinge", &Value::Null)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("hinge") && error.contains("mean_squared_error"),
            "{error}"
        );
    }

    #[test]
    fn a_target_of_another_shape_is_refused() {
        let output = Tape::new().constant(&Tensor::<f32>::ones([4, 3]));
        for row in all::<f32>() {
            let loss = (row.from_config)(&Value::Null).unwrap();
            let error = loss
                .forward(&output, &Tensor::ones([5, 3]))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(row.name) && error.contains("[4, 3]") && error.contains("[5, 3]"),
                "{error}"
            );
        }
    }
}
