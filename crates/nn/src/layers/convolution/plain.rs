//! Convolution: kernels slide over a sequence or an image.

use super::{Convolving, Sides, kernel_on_images, on_images};
use crate::constraints::constraint_settings;
use crate::layers::{Sample, finish, kernel_and_bias};
use crate::settings::{
    convolved_shape, kernel_settings, not_causal, random_kernel_settings, window_settings,
};
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, Layer, Padding, Regularizer,
    Result, WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element};

/// Slides `filters` kernels over sequences ([`Conv1D`](crate::layers::Conv1D)) or images ([`Conv2D`](crate::layers::Conv2D)):
/// activation(x ∗ kernel + bias).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Convolution<S: Sides> {
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
    /// Windows inside the input only (`valid`), zeros around it (`same`), or, for sequences, in front of it only (`causal`);
    /// default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
    /// Distance between the values that a kernel reads (default: 1 each).
    #[serde(default = "S::one")]
    pub dilation_rate: S,
    /// Channels are split into this many groups, each with kernels of its own (default: 1).
    #[serde(default = "config::one")]
    pub groups: usize,
    /// The activation function (default: linear, that is none).
    #[serde(default)]
    pub activation: ActivationKind,
    /// Whether a bias is added (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// First values of the kernel (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub kernel_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default: none).
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Penalty on the output (default: none).
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// What the kernel must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias must be after every step (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl<S: Sides> Convolution<S> {
    /// `filters` kernels of `kernel_size` (`3`, or over images `[3, 5]`); everything else as Keras has it by default.
    pub fn new(filters: usize, kernel_size: impl Into<S>) -> Self {
        Convolution {
            name: None,
            filters,
            kernel_size: kernel_size.into(),
            strides: S::one(),
            padding: Padding::Valid,
            dilation_rate: S::one(),
            groups: 1,
            activation: ActivationKind::Linear,
            use_bias: true,
            kernel_initializer: Initializer::default_kernel(),
            bias_initializer: Initializer::default_bias(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
        }
    }

    /// Splits the channels into groups, each with kernels of its own (default: 1).
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    window_settings!();
    kernel_settings!();
    constraint_settings!();

    /// The geometry, for the kernels.
    pub(crate) fn spec(&self) -> Conv2dSpec {
        Conv2dSpec {
            strides: self.strides.on_image(1),
            padding: self.padding,
            dilation: self.dilation_rate.on_image(1),
            groups: self.groups,
        }
    }

    fn kernel_shape(&self, channels: usize) -> [usize; 4] {
        let [height, width] = self.kernel_size.on_image(1);
        [height, width, channels / self.groups, self.filters]
    }

    /// The image behind an input, or what makes the description itself, or it and such an input, impossible.
    fn check(&self, input: &[usize]) -> Result<[usize; 3]> {
        let fail = |message: String| Error::layer(self.class_name(), message);
        self.check_windows()
            .and_then(|()| setting::count("filters", self.filters))
            .and_then(|()| setting::count("groups", self.groups))
            .and_then(|()| {
                if S::IMAGES {
                    not_causal(self.padding)
                } else {
                    Ok(())
                }
            })
            .map_err(fail)?;
        let image = S::image(input).ok_or_else(|| fail(S::wanted(input)))?;
        let channels = image[2];
        if !channels.is_multiple_of(self.groups) || !self.filters.is_multiple_of(self.groups) {
            return Err(fail(format!(
                "{channels} channels (input {input:?}) and {} filters must both be divisible by {} groups",
                self.filters, self.groups
            )));
        }
        Ok(image)
    }

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let groups = sampler.integer(1, 2);
        let filters = groups * sampler.integer(1, 2);
        let size = S::drawn(sampler, 1, 3);
        let strides = S::drawn(sampler, 1, 2);
        let dilation = sampler.integer(1, 2);
        let mut input = S::drawn_input(sampler, 5, 6, 2);
        input.last_mut().into_iter().for_each(|n| *n *= groups);
        let paddings = [Padding::Valid, Padding::Same, Padding::Causal];
        let paddings = &paddings[..if S::IMAGES { 2 } else { 3 }];
        let layer = Self::new(filters, size)
            .strides(if dilation == 1 { strides } else { S::one() })
            .padding(sampler.one_of(paddings))
            .dilation_rate(S::every(dilation))
            .groups(groups);
        Sample::new(random_kernel_settings!(layer, sampler), input)
    }
}

impl<S: Sides> Describe for Convolution<S> {
    fn class_name(&self) -> &'static str {
        S::named("Conv1D", "Conv2D")
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let image = self.check(input)?;
        let kernel = self.kernel_shape(image[2]);
        Ok(S::sample(&convolved_shape(
            self,
            &self.spec(),
            image,
            kernel,
        )?))
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let channels = self.check(input)?[2];
        let kernel = [
            self.kernel_size.sides(),
            &[channels / self.groups, self.filters],
        ];
        Ok(self.weight_specs(kernel.concat(), self.filters))
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.constraint_of(weight)
    }

    fn penalizes(&self) -> bool {
        self.activity_regularizer.is_some()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<S: Sides, E: Element> Convolving<E> for Convolution<S> {
    fn convolve(&self, x: &Var<E>, weights: &[Var<E>], epilogue: &Epilogue) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias(self.class_name(), weights, self.use_bias)?;
        let kernel = kernel_on_images(kernel)?;
        on_images::<S, E>(self.class_name(), x, |x| {
            Ok(x.conv2d_fused(&kernel, bias, epilogue, &self.spec())?)
        })
    }

    fn activation(&self) -> ActivationKind {
        self.activation
    }

    fn parts(&self, input: &[usize]) -> ([usize; 3], Vec<(Conv2dSpec, [usize; 4])>) {
        let image = S::image(input).unwrap_or_default();
        (image, vec![(self.spec(), self.kernel_shape(image[2]))])
    }

    fn boxed(&self) -> Box<dyn Convolving<E>> {
        Box::new(self.clone())
    }
}

impl<S: Sides, E: Element> Layer<E> for Convolution<S> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let y = self.convolve(x, weights, &Epilogue::default())?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}
