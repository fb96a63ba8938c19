//! Normalization of every channel to mean 0 and variance 1 over the batch.

use super::{Row, Sample, boxed};
use crate::{
    Context, Describe, Error, Initializer, Layer, Regularizer, Result, ScaleAndShift, WeightSpec,
    config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Scalar, Tensor};

const CLASS: &str = "BatchNormalization";

/// γ · (x − mean) / √(variance + ε) + β for each channel (the last axis), any input `[…, channels]`.
///
/// In training, mean and variance are those of the batch, and moving averages of them are kept as weights that the
/// optimizer does not move; at inference these averages are used. As in Keras, the variance is the biased one, in the
/// average too. Weights: `gamma`, `beta`, `moving_mean`, `moving_variance`, all `[channels]`.
///
/// A convolution in front of it needs no bias (`use_bias(false)`): β takes its place.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::BatchNormalization};
/// use taper_tensor::Tensor;
/// let model = Sequential::new([2]).add(BatchNormalization::new().epsilon(0.0)).build(Seed(7))?;
/// // The first averages are mean 0 and variance 1.
/// let x = Tensor::from_vec([1, 2], vec![3.0, -1.0])?;
/// assert_eq!(model.predict(&x)?.to_vec(), [3.0, -1.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNormalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much of a moving average stays when a batch is added to it, from 0 to 1 (default: 0.99).
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Added to the variance (default: 0.001).
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Whether β is added (default: yes).
    #[serde(default = "config::yes")]
    pub center: bool,
    /// Whether γ multiplies (default: yes).
    #[serde(default = "config::yes")]
    pub scale: bool,
    /// First values of β (default: zeros).
    #[serde(default = "zeros")]
    pub beta_initializer: Initializer,
    /// First values of γ (default: ones).
    #[serde(default = "ones")]
    pub gamma_initializer: Initializer,
    /// First values of the moving mean (default: zeros).
    #[serde(default = "zeros")]
    pub moving_mean_initializer: Initializer,
    /// First values of the moving variance (default: ones).
    #[serde(default = "ones")]
    pub moving_variance_initializer: Initializer,
    /// Penalty on β (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on γ (default: none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_regularizer: Option<Regularizer>,
}

fn default_momentum() -> f64 {
    0.99
}

fn default_epsilon() -> f64 {
    1e-3
}

fn zeros() -> Initializer {
    Initializer::Zeros
}

fn ones() -> Initializer {
    Initializer::Ones
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchNormalization {
    /// Keras's defaults: momentum 0.99, ε 0.001, γ from 1 and β from 0.
    pub fn new() -> Self {
        BatchNormalization {
            name: None,
            momentum: default_momentum(),
            epsilon: default_epsilon(),
            center: true,
            scale: true,
            beta_initializer: zeros(),
            gamma_initializer: ones(),
            moving_mean_initializer: zeros(),
            moving_variance_initializer: ones(),
            beta_regularizer: None,
            gamma_regularizer: None,
        }
    }

    /// How much of a moving average stays when a batch is added to it (default: 0.99).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Added to the variance (default: 0.001).
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether β is added (default: yes).
    pub fn center(mut self, on: bool) -> Self {
        self.center = on;
        self
    }

    /// Whether γ multiplies (default: yes).
    pub fn scale(mut self, on: bool) -> Self {
        self.scale = on;
        self
    }

    /// First values of β (default: zeros).
    pub fn beta_initializer(mut self, initializer: Initializer) -> Self {
        self.beta_initializer = initializer;
        self
    }

    /// First values of γ (default: ones).
    pub fn gamma_initializer(mut self, initializer: Initializer) -> Self {
        self.gamma_initializer = initializer;
        self
    }

    /// First values of the moving mean (default: zeros).
    pub fn moving_mean_initializer(mut self, initializer: Initializer) -> Self {
        self.moving_mean_initializer = initializer;
        self
    }

    /// First values of the moving variance (default: ones).
    pub fn moving_variance_initializer(mut self, initializer: Initializer) -> Self {
        self.moving_variance_initializer = initializer;
        self
    }

    /// Penalty on β (default: none).
    pub fn beta_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.beta_regularizer = Some(regularizer.into());
        self
    }

    /// Penalty on γ (default: none).
    pub fn gamma_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.gamma_regularizer = Some(regularizer.into());
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The layer's output, behind a relu if one is wanted. In training the new moving averages go into `context`.
    pub(crate) fn normalize<E: Element>(
        &self,
        x: &Var<E>,
        weights: &[Var<E>],
        relu: bool,
        context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let wanted = 2 + usize::from(self.scale) + usize::from(self.center);
        let (learned, [mean, variance]) = match weights {
            [learned @ .., mean, variance] if weights.len() == wanted => {
                (learned, [mean, variance])
            }
            _ => {
                let message = format!("{wanted} weights wanted, {} given", weights.len());
                return Err(Error::layer(CLASS, message));
            }
        };
        let gamma = learned.first().filter(|_| self.scale);
        let beta = learned.last().filter(|_| self.center);
        if !context.learns() {
            let statistics = (mean.value(), variance.value());
            return Ok(x.batch_normalization_with(statistics, gamma, beta, self.epsilon, relu)?);
        }
        let normalized = x.batch_normalization(gamma, beta, self.epsilon, relu)?;
        let batch = [normalized.mean, normalized.variance];
        for (i, (moving, batch)) in [mean, variance].into_iter().zip(batch).enumerate() {
            let value = self.moved(moving.value(), &batch)?;
            context.update(learned.len() + i, value);
        }
        Ok(normalized.output)
    }

    /// A moving average after a batch.
    fn moved<E: Element>(&self, moving: &Tensor<E>, batch: &Tensor<E>) -> Result<Tensor<E>> {
        let (stays, comes) = (E::from_f64(self.momentum), E::from_f64(1.0 - self.momentum));
        Ok(moving.scale(stays).add(&batch.scale(comes))?)
    }
}

impl Describe for BatchNormalization {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Err(Error::layer(CLASS, message));
        let mut checked = setting::fraction("momentum", self.momentum)
            .and_then(|()| setting::not_negative_in::<f32>("epsilon", self.epsilon));
        if let Initializer::Constant(variance) = self.moving_variance_initializer {
            let constant = setting::not_negative_in::<f32>("constant", variance);
            let constant = constant.map_err(|f| format!("moving_variance_initializer: {f}"));
            checked = checked.and(constant);
        }
        if let Err(fault) = checked {
            return fail(fault);
        }
        if input.is_empty() {
            return fail("an input [..., channels] is wanted, this one is a number".into());
        }
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let channels = input[input.len() - 1];
        let spec = |name: &'static str, initializer, regularizer, trainable| WeightSpec {
            name: name.into(),
            shape: vec![channels],
            initializer,
            regularizer,
            trainable,
        };
        let gamma = spec(
            "gamma",
            self.gamma_initializer,
            self.gamma_regularizer,
            true,
        );
        let beta = spec("beta", self.beta_initializer, self.beta_regularizer, true);
        let mut specs = Vec::new();
        specs.extend(self.scale.then_some(gamma));
        specs.extend(self.center.then_some(beta));
        let (mean, variance) = (
            self.moving_mean_initializer,
            self.moving_variance_initializer,
        );
        specs.push(spec("moving_mean", mean, None, false));
        specs.push(spec("moving_variance", variance, None, false));
        Ok(specs)
    }

    fn passes_mask(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for BatchNormalization {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        self.normalize(x, weights, false, context)
    }

    fn scale_and_shift(&self, weights: &[&Tensor<E>]) -> Option<ScaleAndShift> {
        let [learned @ .., mean, variance] = weights else {
            return None;
        };
        if learned.len() != usize::from(self.scale) + usize::from(self.center) {
            return None;
        }
        let wide = |t: &&Tensor<E>| {
            t.to_vec()
                .into_iter()
                .map(<E as Scalar>::to_f64)
                .collect::<Vec<_>>()
        };
        let gamma = learned.first().filter(|_| self.scale).map(wide);
        let beta = learned.last().filter(|_| self.center).map(wide);
        let channels = wide(mean).into_iter().zip(wide(variance)).enumerate();
        let (scale, shift) = channels
            .map(|(c, (mean, variance))| {
                let gamma = gamma.as_ref().map_or(1.0, |gamma| gamma[c]);
                let scale = gamma / (variance + self.epsilon).sqrt();
                (
                    scale,
                    beta.as_ref().map_or(0.0, |beta| beta[c]) - scale * mean,
                )
            })
            .unzip();
        Some(ScaleAndShift { scale, shift })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: CLASS,
        about: "every channel brought to mean 0 and variance 1 over the batch, then γ · x + β",
        file: file!(),
        from_config: |config| boxed::<E, BatchNormalization>(CLASS, config),
        sample: |sampler| {
            let mut layer = BatchNormalization::new()
                .momentum(sampler.number(0.0, 1.0))
                .epsilon(sampler.number(0.01, 0.5))
                .center(sampler.coin())
                .scale(sampler.coin());
            if sampler.coin() {
                layer = layer
                    .gamma_regularizer(crate::L2(sampler.number(0.0, 0.1)))
                    .beta_initializer(Initializer::Constant(0.5))
                    .name("named");
            }
            Sample::new(layer, sampler.shape(1, 3, 4))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MeanSquaredError, Seed, Sequential};

    /// Two batches by hand: channel 0 has mean 2, variance 1, then mean 10, variance 4; channel 1 stands still at 7.
    #[test]
    fn moving_averages_follow_the_batches_and_serve_inference() {
        let mut model = Sequential::<f64>::of([2])
            .add(BatchNormalization::new().momentum(0.75).epsilon(1e-30))
            .build(Seed(1))
            .unwrap();
        let y = Tensor::zeros([2, 2]);
        for (step, values) in [[1.0, 7.0, 3.0, 7.0], [8.0, 7.0, 12.0, 7.0]]
            .iter()
            .enumerate()
        {
            let x = Tensor::from_vec([2, 2], values.to_vec()).unwrap();
            // ε is next to nothing, but keeps the channel that stands still from 0 / 0, which would not be learnt from.
            model
                .train_batch(&x, &y, &MeanSquaredError, Seed(1), step as u64)
                .unwrap();
        }
        let value = |i: usize| model.parameters()[i].value.to_vec();
        assert_eq!(
            model.parameters()[2].name,
            "batch_normalization/moving_mean"
        );
        // 0 → 0.5 → 2.875 and 0 → 1.75 → 3.0625; 1 → 1 → 1.75 and 1 → 0.75 → 0.5625
        assert_eq!(value(2), [2.875, 3.0625]);
        assert_eq!(value(3), [1.75, 0.5625]);
        let x = Tensor::from_vec([1, 2], vec![2.875 + 1.75f64.sqrt(), 3.0625 - 0.75]).unwrap();
        let output = model.predict(&x).unwrap().to_vec();
        for (found, expected) in output.iter().zip([1.0, -1.0]) {
            assert!((found - expected).abs() <= 1e-12, "{output:?}");
        }
    }

    /// At inference the gradients of what comes in front of it must hold too (a model that is fine-tuned, saliency).
    #[test]
    fn inference_has_gradients() {
        let layer = BatchNormalization::new().epsilon(0.0);
        let tape = taper_autograd::Tape::<f64>::new();
        let x = tape.parameter(&Tensor::from_vec([1, 1], vec![5.0]).unwrap());
        let weights = [3.0, 1.0, 1.0, 4.0].map(|w| tape.constant(&Tensor::full([1], w)));
        let mut context = Context::inference();
        let y = layer.forward(&x, &weights, &mut context).unwrap();
        assert_eq!(y.value().to_vec(), [7.0]);
        assert!(context.updates().is_empty());
        assert_eq!(y.sum().backward().unwrap()[&x].to_vec(), [1.5]);
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message = |layer: BatchNormalization, input: &[usize]| {
            let error = layer.output_shape(input).unwrap_err();
            error.to_string()
        };
        let layer = BatchNormalization::new;
        assert!(message(layer().momentum(1.5), &[3]).contains("momentum"));
        assert!(message(layer().momentum(f64::NAN), &[3]).contains("momentum"));
        assert!(message(layer().epsilon(-1.0), &[3]).contains("epsilon"));
        assert!(message(layer(), &[]).starts_with("BatchNormalization: an input"));
        let tape = taper_autograd::Tape::<f32>::new();
        let x = tape.constant(&Tensor::zeros([2, 3]));
        let error = layer().forward(&x, &[], &mut Context::inference());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("4 weights wanted, 0 given")
        );
    }

    #[test]
    fn the_summary_tells_what_is_not_trained() {
        let model = Sequential::new([8, 8, 3]).add(BatchNormalization::new());
        let summary = model.build(Seed(1)).unwrap().summary();
        for line in [
            " Total params: 12 (48.00 B)",
            " Trainable params: 6 (24.00 B)",
            " Non-trainable params: 6 (24.00 B)",
        ] {
            assert!(summary.contains(line), "{summary}");
        }
        assert!(
            summary.contains("batch_normalization (BatchNormalization)"),
            "{summary}"
        );
    }
}
