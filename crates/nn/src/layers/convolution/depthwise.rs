//! Depthwise convolution: every channel has kernels of its own.

use super::{Convolving, Sides, depthwise_on_images, on_images};
use crate::constraints::bias_constraint_setting;
use crate::layers::{Sample, finish, kernel_and_bias};
use crate::settings::{
    depthwise_settings, output_settings, random_output_settings, window_settings,
};
use crate::{
    ActivationKind, Constraint, Context, Describe, Initializer, L2, Layer, Padding, Regularizer,
    Result, WeightSpec, config,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element};

/// Slides `depth_multiplier` kernels over every channel of sequences ([`DepthwiseConv1D`](crate::layers::DepthwiseConv1D)) or
/// images ([`DepthwiseConv2D`](crate::layers::DepthwiseConv2D)), which sees no other: the convolution with a group for each
/// channel, its kernel shaped otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct DepthwiseConvolution<S: Sides> {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sides of the kernels (no default).
    pub kernel_size: S,
    /// Steps of the window (default: 1 each).
    #[serde(default = "S::one")]
    pub strides: S,
    /// Windows inside the input only (`valid`), or zeros around it (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
    /// How many outputs every channel has (default: 1).
    #[serde(default = "config::one")]
    pub depth_multiplier: usize,
    /// Distance between the values that a kernel reads (default: 1 each).
    #[serde(default = "S::one")]
    pub dilation_rate: S,
    /// The activation function (default: linear, that is none).
    #[serde(default)]
    pub activation: ActivationKind,
    /// Whether a bias is added (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// First values of the depthwise kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub depthwise_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the depthwise kernel (default: none).
    #[serde(default)]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the depthwise kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_constraint: Option<Constraint>,
    /// What the bias must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl<S: Sides> DepthwiseConvolution<S> {
    /// Kernels of `kernel_size` (`3`, or over images `[3, 5]`); everything else as Keras has it by default.
    pub fn new(kernel_size: impl Into<S>) -> Self {
        DepthwiseConvolution {
            name: None,
            kernel_size: kernel_size.into(),
            strides: S::one(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: S::one(),
            activation: ActivationKind::Linear,
            use_bias: true,
            depthwise_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            depthwise_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            depthwise_constraint: None,
            bias_constraint: None,
        }
    }

    window_settings!();
    depthwise_settings!();
    output_settings!();
    bias_constraint_setting!();

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let layer = Self::new(S::drawn(sampler, 1, 3));
        let layer = layer
            .strides(S::drawn(sampler, 1, 2))
            .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
            .dilation_rate(S::drawn(sampler, 1, 2))
            .depth_multiplier(sampler.integer(1, 3));
        let mut layer = random_output_settings!(layer, sampler);
        if sampler.coin() {
            layer = layer
                .depthwise_regularizer(L2(sampler.number(0.0, 0.1)))
                .name("named");
        }
        Sample::new(layer, S::drawn_input(sampler, 5, 6, 3))
    }
}

impl<S: Sides> Describe for DepthwiseConvolution<S> {
    fn class_name(&self) -> &'static str {
        S::named("DepthwiseConv1D", "DepthwiseConv2D")
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (_, output) = self.check(input)?;
        Ok(S::sample(&output))
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let (image, output) = self.check(input)?;
        Ok(self.with_bias(vec![self.depthwise_spec("kernel", image[2])], output[2]))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        match weight {
            "kernel" => self.depthwise_constraint.clone(),
            "bias" => self.bias_constraint.clone(),
            _ => None,
        }
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<S: Sides, E: Element> Convolving<E> for DepthwiseConvolution<S> {
    fn convolve(&self, x: &Var<E>, weights: &[Var<E>], epilogue: &Epilogue) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias(self.class_name(), weights, self.use_bias)?;
        let channels = x.shape().last().copied().unwrap_or(1);
        let (kernel, spec) = (depthwise_on_images(kernel)?, self.depthwise(channels));
        on_images::<S, E>(self.class_name(), x, |x| {
            Ok(x.conv2d_fused(&kernel, bias, epilogue, &spec)?)
        })
    }

    fn activation(&self) -> ActivationKind {
        self.activation
    }

    fn parts(&self, input: &[usize]) -> ([usize; 3], Vec<(Conv2dSpec, [usize; 4])>) {
        let image = S::image(input).unwrap_or_default();
        let kernel = self.depthwise_kernel(image[2]);
        (image, vec![(self.depthwise(image[2]), kernel)])
    }

    fn boxed(&self) -> Box<dyn Convolving<E>> {
        Box::new(self.clone())
    }
}

impl<S: Sides, E: Element> Layer<E> for DepthwiseConvolution<S> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let y = self.convolve(x, weights, &Epilogue::default())?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}
