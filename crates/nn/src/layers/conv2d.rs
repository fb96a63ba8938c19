//! Convolution of images.

use super::{Row, Sample, boxed, finish, kernel_and_bias, kernel_settings, random_kernel_settings};
use crate::constraints::constraint_settings;
use crate::{
    ActivationKind, Constraint, Context, Describe, Error, Initializer, Layer, Pair, Regularizer,
    Result, WeightSpec, config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element, Padding};

/// Slides `filters` kernels over an image: `[height, width, channels]` → `[out height, out width, filters]`.
///
/// Weights: `kernel [kh, kw, channels / groups, filters]` and `bias [filters]`.
///
/// ```
/// use taper_nn::{Describe, Padding, Relu, layers::Conv2D};
/// let layer = Conv2D::new(32, 3).activation(Relu).padding(Padding::Same);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of output channels (no default).
    pub filters: usize,
    /// Height and width of the kernels (no default).
    pub kernel_size: Pair,
    /// Steps of the window (default: 1 each).
    #[serde(default = "Pair::one")]
    pub strides: Pair,
    /// Windows inside the image only (`valid`), or zeros around it (`same`); default: `valid`.
    #[serde(default, with = "config::padding")]
    pub padding: Padding,
    /// Distance between the pixels that a kernel reads (default: 1 each).
    #[serde(default = "Pair::one")]
    pub dilation_rate: Pair,
    /// Channels are split into this many groups, each with kernels of its own (default: 1).
    #[serde(default = "one")]
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

impl Conv2D {
    /// `filters` kernels of `kernel_size` (`3` or `[3, 5]`); everything else as Keras has it by default.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Conv2D {
            name: None,
            filters,
            kernel_size: kernel_size.into(),
            strides: Pair::one(),
            padding: Padding::Valid,
            dilation_rate: Pair::one(),
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

    /// Steps of the window (default: 1).
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = strides.into();
        self
    }

    /// Windows inside the image only, or zeros around it (default: valid).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Distance between the pixels that a kernel reads (default: 1).
    pub fn dilation_rate(mut self, rate: impl Into<Pair>) -> Self {
        self.dilation_rate = rate.into();
        self
    }

    /// Splits the channels into groups, each with kernels of its own (default: 1).
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    kernel_settings!();
    constraint_settings!();

    /// The geometry, for the kernels.
    pub(crate) fn spec(&self) -> Conv2dSpec {
        Conv2dSpec {
            strides: self.strides.0,
            padding: self.padding,
            dilation: self.dilation_rate.0,
            groups: self.groups,
        }
    }

    fn kernel_shape(&self, channels: usize) -> Vec<usize> {
        let [height, width] = self.kernel_size.0;
        vec![height, width, channels / self.groups, self.filters]
    }

    /// What makes the description itself, or it and an image with these channels, impossible.
    fn check(&self, input: &[usize]) -> Result<()> {
        let fail = |message: String| Err(Error::layer("Conv2D", message));
        let sizes = [
            ("kernel_size", self.kernel_size),
            ("strides", self.strides),
            ("dilation_rate", self.dilation_rate),
        ];
        let checked = sizes
            .iter()
            .try_for_each(|(name, Pair(pair))| setting::sizes(name, pair))
            .and_then(|()| setting::count("filters", self.filters))
            .and_then(|()| setting::count("groups", self.groups))
            .and_then(|()| self.check_penalty());
        if let Err(fault) = checked {
            return fail(fault);
        }
        let &[_, _, channels] = input else {
            return fail(format!(
                "an input [height, width, channels] is wanted, this one is {input:?}; a Reshape in front of the layer adds a missing axis"
            ));
        };
        if !channels.is_multiple_of(self.groups) || !self.filters.is_multiple_of(self.groups) {
            return fail(format!(
                "{channels} channels (input {input:?}) and {} filters must both be divisible by {} groups",
                self.filters, self.groups
            ));
        }
        Ok(())
    }
}

impl Describe for Conv2D {
    fn class_name(&self) -> &'static str {
        "Conv2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.check(input)?;
        let batch = [&[1], input].concat();
        let output = self
            .spec()
            .output_shape(&batch, &self.kernel_shape(input[2]));
        let refused = |error| {
            let numbers = setting::numbers(&self.config());
            Error::layer("Conv2D", format!("{error} ({numbers})"))
        };
        Ok(output.map_err(refused)?[1..].to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        self.check(input)?;
        Ok(self.weight_specs(self.kernel_shape(input[2]), self.filters))
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

impl<E: Element> Layer<E> for Conv2D {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let (kernel, bias) = kernel_and_bias("Conv2D", weights, self.use_bias)?;
        let y = x.conv2d_fused(kernel, bias, &Epilogue::default(), &self.spec())?;
        finish(y, self.activation, self.activity_regularizer, context)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.without_activation()
    }
}

fn one() -> usize {
    1
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Conv2D",
        about: "slides kernels over an image: activation(x ∗ kernel + bias)",
        file: file!(),
        from_config: |config| boxed::<E, Conv2D>("Conv2D", config),
        sample: |sampler| {
            let groups = sampler.integer(1, 2);
            let filters = groups * sampler.integer(1, 2);
            let size = [sampler.integer(1, 3), sampler.integer(1, 3)];
            let strides = [sampler.integer(1, 2), sampler.integer(1, 2)];
            let dilation = sampler.integer(1, 2);
            let input = [
                sampler.integer(5, 6),
                sampler.integer(5, 6),
                groups * sampler.integer(1, 2),
            ];
            let layer = Conv2D::new(filters, size)
                .strides(if dilation == 1 { strides } else { [1, 1] })
                .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
                .dilation_rate(dilation)
                .groups(groups);
            Sample::new(random_kernel_settings!(layer, sampler), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(layer: &Conv2D, input: &[usize]) -> Result<Vec<usize>> {
        layer.output_shape(input)
    }

    #[test]
    fn shapes_are_those_of_keras() {
        assert_eq!(
            output(&Conv2D::new(32, 3), &[28, 28, 1]).unwrap(),
            [26, 26, 32]
        );
        assert_eq!(
            output(&Conv2D::new(4, [3, 5]).strides(2), &[28, 28, 1]).unwrap(),
            [13, 12, 4]
        );
        assert_eq!(
            output(
                &Conv2D::new(4, 3).padding(Padding::Same).strides(2),
                &[7, 8, 2]
            )
            .unwrap(),
            [4, 4, 4]
        );
        assert_eq!(
            output(&Conv2D::new(4, 3).dilation_rate(3), &[10, 10, 2]).unwrap(),
            [4, 4, 4]
        );
        let weights = Conv2D::new(6, 3).groups(2).weights(&[28, 28, 4]).unwrap();
        assert_eq!(weights[0].shape, [3, 3, 2, 6]);
        assert_eq!(weights[1].shape, [6]);
    }

    #[test]
    fn nonsense_is_refused_with_reasons() {
        let message =
            |layer: Conv2D, input: &[usize]| output(&layer, input).unwrap_err().to_string();
        assert!(message(Conv2D::new(32, 3), &[784]).contains("[784]"));
        assert!(message(Conv2D::new(32, 0), &[28, 28, 1]).contains("kernel_size is [0, 0]"));
        assert!(message(Conv2D::new(32, 3).strides(0), &[28, 28, 1]).contains("strides"));
        assert!(message(Conv2D::new(0, 3), &[28, 28, 1]).contains("filters is 0"));
        assert!(message(Conv2D::new(3, 3).groups(2), &[28, 28, 2]).contains("2 groups"));
        assert!(message(Conv2D::new(3, 30), &[28, 28, 1]).contains("28"));
    }
}
