//! Separable convolution: a depthwise one, then one of single values that mixes the channels.

use super::{Convolving, Sides, depthwise_on_images, kernel_on_images, on_images};
use crate::constraints::bias_constraint_setting;
use crate::layers::{Sample, finish, kernel_and_bias};
use crate::settings::{
    depthwise_settings, output_settings, random_output_settings, window_settings,
};
use crate::weight_checks::first_values_and_penalty;
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, L2, Layer, Padding,
    Regularizer, Result, WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element};

/// Slides `depth_multiplier` kernels over every channel by itself, then makes `filters` sums over all that came of them, place
/// by place: over sequences ([`SeparableConv1D`](crate::layers::SeparableConv1D)) or images
/// ([`SeparableConv2D`](crate::layers::SeparableConv2D)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct SeparableConvolution<S: Sides> {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of output channels (no default).
    pub filters: usize,
    /// Sides of the kernels (no default).
    pub kernel_size: S,
    /// Steps of the window (default: 1 each).
    #[serde(default = "S::one")]
    pub strides: S,
    /// Windows inside the input only (`valid`), or zeros around it (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
    /// Distance between the values that a kernel reads (default: 1 each).
    #[serde(default = "S::one")]
    pub dilation_rate: S,
    /// How many outputs every channel has (default: 1).
    #[serde(default = "config::one")]
    pub depth_multiplier: usize,
    /// The activation function (default: linear, that is none).
    #[serde(default)]
    pub activation: ActivationKind,
    /// Whether a bias is added (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// First values of the depthwise kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub depthwise_initializer: Initializer,
    /// First values of the pointwise kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub pointwise_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the depthwise kernel (default: none).
    #[serde(default)]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Penalty on the pointwise kernel (default: none).
    #[serde(default)]
    pub pointwise_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the depthwise kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_constraint: Option<Constraint>,
    /// What the pointwise kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointwise_constraint: Option<Constraint>,
    /// What the bias must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl<S: Sides> SeparableConvolution<S> {
    /// `filters` sums of what kernels of `kernel_size` (`3`, or over images `[3, 5]`) make of every channel; everything else as
    /// Keras has it by default.
    pub fn new(filters: usize, kernel_size: impl Into<S>) -> Self {
        SeparableConvolution {
            name: None,
            filters,
            kernel_size: kernel_size.into(),
            strides: S::one(),
            padding: Padding::Valid,
            dilation_rate: S::one(),
            depth_multiplier: 1,
            activation: ActivationKind::Linear,
            use_bias: true,
            depthwise_initializer: Initializer::default_kernel(),
            pointwise_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            depthwise_regularizer: None,
            pointwise_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            depthwise_constraint: None,
            pointwise_constraint: None,
            bias_constraint: None,
        }
    }

    /// First values of the pointwise kernel (default: glorot uniform).
    pub fn pointwise_initializer(mut self, initializer: Initializer) -> Self {
        self.pointwise_initializer = initializer;
        self
    }

    /// Penalty on the pointwise kernel (default: none).
    pub fn pointwise_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.pointwise_regularizer = Some(regularizer.into());
        self
    }

    /// What the pointwise kernel must be after every step (default: anything).
    pub fn pointwise_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.pointwise_constraint = Some(constraint.into());
        self
    }

    window_settings!();
    depthwise_settings!();
    output_settings!();
    bias_constraint_setting!();

    /// The kernel that mixes the channels.
    fn pointwise_spec(&self, channels: usize) -> WeightSpec {
        WeightSpec {
            name: "pointwise_kernel".into(),
            shape: [S::one().sides(), &[channels, self.filters]].concat(),
            initializer: self.pointwise_initializer,
            regularizer: self.pointwise_regularizer,
            trainable: true,
        }
    }

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let layer = Self::new(sampler.integer(1, 3), S::drawn(sampler, 1, 3));
        let layer = layer
            .strides(S::drawn(sampler, 1, 2))
            .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
            .dilation_rate(S::drawn(sampler, 1, 2))
            .depth_multiplier(sampler.integer(1, 3));
        let mut layer = random_output_settings!(layer, sampler);
        if sampler.coin() {
            layer = layer
                .depthwise_regularizer(L2(sampler.number(0.0, 0.1)))
                .pointwise_regularizer(L2(sampler.number(0.0, 0.1)))
                .name("named");
        }
        Sample::new(layer, S::drawn_input(sampler, 5, 6, 3))
    }
}

impl<S: Sides> Describe for SeparableConvolution<S> {
    fn class_name(&self) -> &'static str {
        S::named("SeparableConv1D", "SeparableConv2D")
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (_, [height, width, channels]) = self.check(input)?;
        let pointwise = self.pointwise_spec(channels);
        setting::count("filters", self.filters)
            .and_then(|()| {
                first_values_and_penalty::<f32>(
                    "pointwise",
                    &pointwise.shape,
                    pointwise.initializer,
                    pointwise.regularizer,
                )
            })
            .map_err(|fault| Error::layer(self.class_name(), fault))?;
        Ok(S::sample(&[height, width, self.filters]))
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let (image, output) = self.check(input)?;
        let pointwise = self.pointwise_spec(output[2]);
        let depthwise = self.depthwise_spec("depthwise_kernel", image[2]);
        Ok(self.with_bias(vec![depthwise, pointwise], self.filters))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        match weight {
            "depthwise_kernel" => self.depthwise_constraint.clone(),
            "pointwise_kernel" => self.pointwise_constraint.clone(),
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

impl<S: Sides, E: Element> Convolving<E> for SeparableConvolution<S> {
    fn convolve(&self, x: &Var<E>, weights: &[Var<E>], epilogue: &Epilogue) -> Result<Var<E>> {
        let [depthwise, rest @ ..] = weights else {
            let message = "a depthwise and a pointwise kernel wanted, no weights given";
            return Err(Error::layer(self.class_name(), message));
        };
        let (pointwise, bias) = kernel_and_bias(self.class_name(), rest, self.use_bias)?;
        let (depthwise, pointwise) = (
            depthwise_on_images(depthwise)?,
            kernel_on_images(pointwise)?,
        );
        let channels = x.shape().last().copied().unwrap_or(1);
        on_images::<S, E>(self.class_name(), x, |x| {
            let y = x.conv2d(&depthwise, &self.depthwise(channels))?;
            Ok(y.conv2d_fused(&pointwise, bias, epilogue, &Conv2dSpec::default())?)
        })
    }

    fn activation(&self) -> ActivationKind {
        self.activation
    }

    fn parts(&self, input: &[usize]) -> ([usize; 3], Vec<(Conv2dSpec, [usize; 4])>) {
        let image = S::image(input).unwrap_or_default();
        let depthwise = self.depthwise_kernel(image[2]);
        let pointwise = [1, 1, depthwise[3], self.filters];
        let parts = vec![
            (self.depthwise(image[2]), depthwise),
            (Conv2dSpec::default(), pointwise),
        ];
        (image, parts)
    }

    fn boxed(&self) -> Box<dyn Convolving<E>> {
        Box::new(self.clone())
    }
}

impl<S: Sides, E: Element> Layer<E> for SeparableConvolution<S> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let y = self.convolve(x, weights, &Epilogue::default())?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}
