//! Transposed convolution: from an output of a convolution back to the size of its input.

use super::{Sides, kernel_on_images, on_images};
use crate::constraints::constraint_settings;
use crate::layers::{Sample, finish, kernel_and_bias};
use crate::settings::{kernel_settings, not_causal, random_kernel_settings, window_settings};
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, Layer, Padding, Regularizer,
    Result, WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Conv2dSpec, Element};

/// Spreads every value over a window of the output, weighted by a kernel, and adds up where windows overlap: what the gradient
/// of a convolution's input is made by. Over sequences ([`Conv1DTranspose`](crate::layers::Conv1DTranspose)) or images
/// ([`Conv2DTranspose`](crate::layers::Conv2DTranspose)).
///
/// With k = (`kernel_size` − 1) · `dilation_rate` + 1, an input of length n has an output of (n − 1) · `strides` + p, where p is
/// k + `output_padding` (by default the larger of k and `strides`) if `padding` is valid, and k mod 2 + `output_padding`
/// (by default `strides`) if it is same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct TransposedConvolution<S: Sides> {
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
    /// How much longer the output is than the shortest that fits, below `strides` (default: chosen by `padding`).
    #[serde(default)]
    pub output_padding: Option<S>,
    /// Distance between the values that a kernel reads (default: 1 each).
    #[serde(default = "S::one")]
    pub dilation_rate: S,
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

impl<S: Sides> TransposedConvolution<S> {
    /// `filters` kernels of `kernel_size` (`3`, or over images `[3, 5]`); everything else as Keras has it by default.
    pub fn new(filters: usize, kernel_size: impl Into<S>) -> Self {
        TransposedConvolution {
            name: None,
            filters,
            kernel_size: kernel_size.into(),
            strides: S::one(),
            padding: Padding::Valid,
            output_padding: None,
            dilation_rate: S::one(),
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

    /// How much longer the output is than the shortest that fits, below `strides` (default: chosen by `padding`).
    pub fn output_padding(mut self, padding: impl Into<S>) -> Self {
        self.output_padding = Some(padding.into());
        self
    }

    window_settings!();
    kernel_settings!();
    constraint_settings!();

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let (size, stride) = (sampler.integer(1, 3), sampler.integer(1, 2));
        let dilation = if stride == 1 {
            sampler.integer(1, 2)
        } else {
            1
        };
        let mut layer = Self::new(sampler.integer(1, 3), S::every(size))
            .strides(S::every(stride))
            .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
            .dilation_rate(S::every(dilation));
        let odd = ((size - 1) * dilation + 1) % 2;
        if stride == 2 && sampler.coin() {
            layer = layer.output_padding(S::every(sampler.integer(1 - odd, 1)));
        }
        let input = S::drawn_input(sampler, 2, 4, 3);
        Sample::new(random_kernel_settings!(layer, sampler), input)
    }

    /// The convolution whose input the output of this layer could be.
    pub(crate) fn spec(&self) -> Conv2dSpec {
        Conv2dSpec {
            strides: self.strides.on_image(1),
            padding: self.padding,
            dilation: self.dilation_rate.on_image(1),
            groups: 1,
        }
    }

    /// The image that this one becomes.
    fn output_image(&self, image: [usize; 3]) -> Result<[usize; 3], String> {
        let (sizes, strides) = (self.kernel_size.on_image(1), self.strides.on_image(1));
        let dilation = self.dilation_rate.on_image(1);
        let extra = self.output_padding.map(|sides| sides.on_image(0));
        let along = |axis: usize| {
            let extra = extra.map(|extra| extra[axis]);
            length(
                image[axis],
                [sizes[axis], strides[axis], dilation[axis]],
                self.padding,
                extra,
            )
        };
        Ok([along(0)?, along(1)?, self.filters])
    }

    /// The image behind an input and the one that it becomes, or what makes the description, or it and such an input,
    /// impossible.
    fn check(&self, input: &[usize]) -> Result<[[usize; 3]; 2]> {
        let fail = |message: String| Error::layer(self.class_name(), message);
        self.check_windows()
            .and_then(|()| setting::count("filters", self.filters))
            .and_then(|()| not_causal(self.padding))
            .map_err(fail)?;
        let image = S::image(input).ok_or_else(|| fail(S::wanted(input)))?;
        let told = |fault: String| {
            let numbers = setting::numbers(&self.config());
            fail(format!("{fault} (input {input:?}, {numbers})"))
        };
        let output = self.output_image(image).map_err(told)?;
        // The convolution back must exist, and lead to the input.
        let [height, width] = self.kernel_size.on_image(1);
        let kernel = [height, width, self.filters, image[2]];
        let back = self
            .spec()
            .output_shape(&[&[1], &output[..]].concat(), &kernel);
        let back = back.map_err(|error| told(error.to_string()))?;
        if back[1..] != image {
            return Err(told(format!("no convolution leads from {output:?} to it")));
        }
        Ok([image, output])
    }

    /// The sums of products.
    fn spread<E: Element>(
        &self,
        x: &Var<E>,
        kernel: &Var<E>,
        bias: Option<&Var<E>>,
    ) -> Result<Var<E>> {
        let kernel = kernel_on_images(kernel)?;
        on_images::<S, E>(self.class_name(), x, |x| {
            let &[_, height, width, channels] = x.shape() else {
                return Err(Error::layer(self.class_name(), S::wanted(x.shape())));
            };
            let [height, width, _] = self
                .output_image([height, width, channels])
                .map_err(|fault| Error::layer(self.class_name(), fault))?;
            let y = x.conv2d_transpose(&kernel, [height, width], &self.spec())?;
            bias.map_or(Ok(y.clone()), |bias| Ok(y.add(bias)?))
        })
    }
}

/// The length of the output along one axis of `input` values, for `[size, stride, dilation]`.
fn length(
    input: usize,
    [size, stride, dilation]: [usize; 3],
    padding: Padding,
    extra: Option<usize>,
) -> Result<usize, String> {
    if let Some(extra) = extra.filter(|&extra| extra >= stride) {
        return Err(format!(
            "output_padding is {extra}, it must be below strides, which is {stride}"
        ));
    }
    let too_long = || "the output would be too long".to_owned();
    let reach = (size - 1)
        .checked_mul(dilation)
        .and_then(|reach| reach.checked_add(1))
        .ok_or_else(too_long)?;
    let last = match (padding, extra) {
        (Padding::Same, None) => Some(stride),
        (Padding::Same, Some(0)) if reach % 2 == 0 => {
            return Err(format!(
                "output_padding is 0, it must be at least 1 where padding is same and the window spans {reach}, which is even"
            ));
        }
        (Padding::Same, Some(extra)) => Some(reach % 2 + extra),
        (_, None) => Some(reach.max(stride)),
        (_, Some(extra)) => reach.checked_add(extra),
    };
    let steps = input.saturating_sub(1).checked_mul(stride);
    if input == 0 {
        return Ok(0);
    }
    last.zip(steps)
        .and_then(|(last, steps)| steps.checked_add(last))
        .ok_or_else(too_long)
}

impl<S: Sides> Describe for TransposedConvolution<S> {
    fn class_name(&self) -> &'static str {
        S::named("Conv1DTranspose", "Conv2DTranspose")
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [_, output] = self.check(input)?;
        Ok(S::sample(&output))
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let [image, _] = self.check(input)?;
        let kernel = [self.kernel_size.sides(), &[self.filters, image[2]]];
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

impl<S: Sides, E: Element> Layer<E> for TransposedConvolution<S> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias(self.class_name(), weights, self.use_bias)?;
        let y = self.spread(x, kernel, bias)?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}
