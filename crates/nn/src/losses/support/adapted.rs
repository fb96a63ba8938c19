//! The options that Keras gives to every loss: the reduction, an output of logits, another axis. They stand around the loss,
//! so that no file of a loss has them.

use super::{axes_of, weighted_mean};
use crate::losses::{Loss, Row};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taper_autograd::{Tape, Var};
use taper_tensor::{Element, Tensor};

/// What becomes of the terms of a loss. (Keras's `None` is [`Loss::per_sample`]: training needs one number.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reduction {
    /// Their sum, divided by their number; weights of samples multiply the terms and do not count in the divisor.
    #[default]
    SumOverBatchSize,
    /// Keras's other word for the same.
    Mean,
    /// Their sum over all samples and positions.
    Sum,
    /// Their sum, divided by the sum of the weights (by their number, if there are none).
    MeanWithSampleWeight,
}

/// Options for every loss.
///
/// ```
/// use taper_autograd::Tape;
/// use taper_nn::losses::{CategoricalCrossentropy, Loss, LossExt, MeanSquaredError, Reduction};
/// use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f32>::zeros([3, 4]));
/// let sum = MeanSquaredError.reduction(Reduction::Sum).forward(&output, &Tensor::ones([3, 4]))?;
/// assert_eq!(sum.value().item()?, 3.0);
/// let loss = CategoricalCrossentropy.of_logits().forward(&output, &Tensor::one_hot(&[0, 1, 2], 4)?)?;
/// assert!((loss.value().item()? - 4f32.ln()).abs() < 1e-6);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub trait LossExt<E: Element>: Loss<E> + Sized + 'static {
    /// With another reduction than the mean.
    fn reduction(self, reduction: Reduction) -> Adapted<E> {
        Adapted::new(Box::new(self)).reduction(reduction)
    }

    /// For a model whose last layer has no activation function (Keras's `from_logits=True`). Where the last layer is a
    /// softmax or a sigmoid this is not wanted: its logits are used anyway.
    fn of_logits(self) -> Adapted<E> {
        Adapted::new(Box::new(self)).of_logits()
    }

    /// With classes (or rows) along this axis instead of the last one; the batch counts, −1 is the last.
    fn along(self, axis: isize) -> Adapted<E> {
        Adapted::new(Box::new(self)).along(axis)
    }
}

impl<E: Element, L: Loss<E> + 'static> LossExt<E> for L {}

/// A loss with options; made by [`LossExt`] or from a description ([`from_config`](crate::losses::from_config)).
#[derive(Debug)]
pub struct Adapted<E: Element = f32> {
    loss: Box<dyn Loss<E>>,
    options: Options,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    from_logits: bool,
    axis: Option<isize>,
    reduction: Reduction,
}

const KEYS: [&str; 3] = ["from_logits", "axis", "reduction"];

impl<E: Element> Adapted<E> {
    /// The loss as it is.
    #[must_use]
    pub fn new(loss: Box<dyn Loss<E>>) -> Self {
        let options = Options::default();
        Adapted { loss, options }
    }

    /// As [`LossExt::reduction`].
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.options.reduction = reduction;
        self
    }

    /// As [`LossExt::of_logits`].
    #[must_use]
    pub fn of_logits(mut self) -> Self {
        self.options.from_logits = true;
        self
    }

    /// As [`LossExt::along`].
    #[must_use]
    pub fn along(mut self, axis: isize) -> Self {
        self.options.axis = (axis != -1).then_some(axis);
        self
    }

    /// Output and target with the axis that is compared behind all others. A target without that axis stays.
    fn turned(&self, output: &Var<E>, target: &Tensor<E>) -> Result<(Var<E>, Tensor<E>)> {
        let Some(axis) = self.options.axis else {
            return Ok((output.clone(), target.clone()));
        };
        let order = last(self.loss.name(), axis, output.shape())?;
        let same_rank = target.shape().len() == order.len();
        let target = match same_rank {
            true => target.permute(&order)?,
            false => target.clone(),
        };
        Ok((output.permute(&order)?, target))
    }

    /// The activation function that is still to come.
    fn activation(&self) -> Result<Option<ActivationKind>> {
        let of_logits = || {
            let message = "from_logits: it has no form for logits";
            let activation = self.loss.activation_of_logits();
            activation.ok_or_else(|| Error::loss(self.loss.name(), message))
        };
        self.options.from_logits.then(of_logits).transpose()
    }

    /// The losses of samples to one number.
    fn reduce(
        &self,
        losses: &Var<E>,
        (output, target): (&Var<E>, &Tensor<E>),
        weights: Option<&Tensor<E>>,
    ) -> Result<Var<E>> {
        let mean = match weights {
            Some(weights) => weighted_mean(self.loss.name(), losses, weights)?,
            None => losses.mean(),
        };
        let samples = losses.shape().first().copied().unwrap_or(1) as f64;
        let factor = match (self.options.reduction, weights) {
            (Reduction::Sum, _) => samples * self.terms(output.value(), target)?,
            (Reduction::MeanWithSampleWeight, Some(weights)) => {
                let sum = weights.sum().item()?.to_f64();
                if sum == 0.0 { 0.0 } else { samples / sum }
            }
            _ => return Ok(mean),
        };
        Ok(mean.scale(E::from_f64(factor)))
    }

    /// Only a mean may be left to the loss itself.
    fn is_mean(&self) -> bool {
        self.options.reduction != Reduction::Sum
    }

    fn check_options(&self) -> Result<()> {
        self.activation()?;
        let name = self.loss.name();
        match self.options.axis {
            Some(_) if !self.loss.compares_rows() => {
                Err(Error::loss(name, "axis: it compares value with value"))
            }
            Some(0) => Err(Error::loss(name, "axis: 0 is the axis of samples")),
            _ => Ok(()),
        }
    }
}

impl<E: Element> Loss<E> for Adapted<E> {
    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn config(&self) -> Value {
        let mut config = self.loss.config();
        let Some(entries) = config.as_object_mut() else {
            return config;
        };
        let Options {
            from_logits,
            axis,
            reduction,
        } = self.options;
        if from_logits {
            entries.insert("from_logits".into(), json!(true));
        }
        if let Some(axis) = axis {
            entries.insert("axis".into(), json!(axis));
        }
        if reduction != Reduction::default() {
            entries.insert("reduction".into(), config::unparse(&reduction));
        }
        config
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        if self.is_mean() && self.options.axis.is_none() {
            let joint = |a| self.loss.from_logits(output, target, a);
            return match self.activation()? {
                None => self.loss.forward(output, target),
                Some(a) => joint(a).unwrap_or_else(|| self.loss.forward(&a.apply(output)?, target)),
            };
        }
        let losses = self.per_sample(output, target)?;
        self.reduce(&losses, (output, target), None)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let (output, target) = self.turned(output, target)?;
        match self.activation()? {
            None => self.loss.per_sample(&output, &target),
            Some(a) => {
                let joint = self.loss.per_sample_from_logits(&output, &target, a);
                joint.unwrap_or_else(|| self.loss.per_sample(&a.apply(&output)?, &target))
            }
        }
    }

    fn forward_weighted(
        &self,
        output: &Var<E>,
        target: &Tensor<E>,
        weights: &Tensor<E>,
    ) -> Result<Var<E>> {
        let losses = self.per_sample(output, target)?;
        self.reduce(&losses, (output, target), Some(weights))
    }

    fn from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        if self.options.from_logits || self.options.axis.is_some() {
            return None;
        }
        if self.is_mean() {
            return self.loss.from_logits(logits, target, activation);
        }
        let losses = self
            .loss
            .per_sample_from_logits(logits, target, activation)?;
        Some(losses.and_then(|losses| self.reduce(&losses, (logits, target), None)))
    }

    fn from_logits_weighted(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        weights: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = self.per_sample_from_logits(logits, target, activation)?;
        Some(losses.and_then(|losses| self.reduce(&losses, (logits, target), Some(weights))))
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        if self.options.from_logits || self.options.axis.is_some() {
            return None;
        }
        self.loss.per_sample_from_logits(logits, target, activation)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        let Some(axis) = self.options.axis else {
            return self.loss.check_target(output, target);
        };
        let batch = [&[1], output].concat();
        let order = last(self.loss.name(), axis, &batch)?;
        let turned = |shape: &[usize]| -> Vec<usize> {
            order[1..].iter().map(|&axis| shape[axis - 1]).collect()
        };
        match target.len() == output.len() {
            true => self.loss.check_target(&turned(output), &turned(target)),
            false => self.loss.check_target(&turned(output), target),
        }
    }

    fn activation_of_logits(&self) -> Option<ActivationKind> {
        self.loss.activation_of_logits()
    }

    fn compares_rows(&self) -> bool {
        self.loss.compares_rows()
    }

    fn terms(&self, output: &Tensor<E>, target: &Tensor<E>) -> Result<f64> {
        let (output, target) = self.turned(&Tape::new().constant(output), target)?;
        self.loss.terms(output.value(), &target)
    }

    fn check(&self) -> Result<()> {
        self.check_options()?;
        self.loss.check()
    }

    fn is_cross_entropy(&self) -> bool {
        self.loss.is_cross_entropy()
    }

    fn is_classification(&self) -> bool {
        self.loss.is_classification()
    }
}

/// The axes with this one behind all others.
fn last(loss: &'static str, axis: isize, output: &[usize]) -> Result<Vec<usize>> {
    let axis = axes_of(loss, &[axis], output)?[0];
    if axis == 0 {
        return Err(Error::loss(loss, "axis: 0 is the axis of samples"));
    }
    let others = (0..output.len()).filter(|&other| other != axis);
    Ok(others.chain([axis]).collect())
}

/// A loss from its own settings and the options among them. An `axis` that the loss has itself is the loss's.
pub(in crate::losses) fn read_options<E: Element>(
    row: &Row<E>,
    config: &Value,
) -> Result<Box<dyn Loss<E>>> {
    let Value::Object(entries) = config else {
        return (row.from_config)(config);
    };
    let default = (row.from_config)(&Value::Null)?;
    let own = default.config();
    let is_option = |key: &str| KEYS.contains(&key) && own.get(key).is_none();
    let (options, own): (Map<String, Value>, Map<String, Value>) = entries
        .clone()
        .into_iter()
        .partition(|(key, _)| is_option(key));
    let loss = (row.from_config)(&Value::Object(own))?;
    if options.is_empty() {
        return Ok(loss);
    }
    let mut options: Options = config::parse(row.class_name, &Value::Object(options))?;
    options.axis = options.axis.filter(|&axis| axis != -1);
    if options == Options::default() {
        return Ok(loss);
    }
    let adapted = Adapted { loss, options };
    adapted
        .check_options()
        .map_err(|error| Error::Config(format!("{}: {error}", row.class_name)))?;
    Ok(Box::new(adapted))
}
