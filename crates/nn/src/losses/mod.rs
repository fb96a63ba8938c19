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

    /// The loss, a scalar on the output's tape.
    ///
    /// # Errors
    /// A target that does not fit the output.
    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>>;

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
