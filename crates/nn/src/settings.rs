//! What several layers share of their descriptions: settings under Keras's names, as methods of each, and the shape behind
//! a convolution.

use crate::{Describe, Error, Padding, Result, setting};
use taper_tensor::Conv2dSpec;
use taper_tensor::kernels::ConvGeometry;

/// The settings that all layers with a kernel and a bias share, under Keras's names.
macro_rules! kernel_settings {
    () => {
        /// First values of the kernel (default: glorot uniform).
        pub fn kernel_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.kernel_initializer = initializer;
            self
        }

        /// Penalty on the kernel, e.g. `L2(0.01)` (default: none).
        pub fn kernel_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.kernel_regularizer = Some(regularizer.into());
            self
        }

        fn weight_specs(&self, kernel: Vec<usize>, outputs: usize) -> Vec<$crate::WeightSpec> {
            let kernel = $crate::WeightSpec {
                name: "kernel".into(),
                shape: kernel,
                initializer: self.kernel_initializer,
                regularizer: self.kernel_regularizer,
                trainable: true,
            };
            self.with_bias(vec![kernel], outputs)
        }

        $crate::settings::output_settings!();
    };
}
pub(crate) use kernel_settings;

/// What follows the sums of products in all of these layers, and their names.
macro_rules! output_settings {
    () => {
        /// The activation function (default: linear, that is none).
        pub fn activation(mut self, activation: $crate::ActivationKind) -> Self {
            self.activation = activation;
            self
        }

        /// Whether a bias is added (default: yes).
        pub fn use_bias(mut self, on: bool) -> Self {
            self.use_bias = on;
            self
        }

        /// First values of the bias (default: zeros).
        pub fn bias_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.bias_initializer = initializer;
            self
        }

        /// Penalty on the bias (default: none).
        pub fn bias_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.bias_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on the layer's output, divided by the batch size (default: none).
        pub fn activity_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.activity_regularizer = Some(regularizer.into());
            self
        }

        /// The layer's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }

        /// The penalty that is on no weight; those of weights are looked at for all layers alike.
        fn check_penalty(&self) -> $crate::setting::Checked {
            $crate::weight_checks::penalty::<f32>("activity_regularizer", self.activity_regularizer)
        }

        /// The weights with the bias behind them, if there is one.
        fn with_bias(
            &self,
            mut weights: Vec<$crate::WeightSpec>,
            outputs: usize,
        ) -> Vec<$crate::WeightSpec> {
            let bias = || $crate::WeightSpec {
                name: "bias".into(),
                shape: vec![outputs],
                initializer: self.bias_initializer,
                regularizer: self.bias_regularizer,
                trainable: true,
            };
            weights.extend(self.use_bias.then(bias));
            weights
        }

        fn without_activation<E: taper_tensor::Element>(
            &self,
        ) -> Option<($crate::ActivationKind, Box<dyn $crate::Layer<E>>)> {
            // The activity regularizer wants to see what the activation function makes.
            let linear = self.activation == $crate::ActivationKind::Linear;
            if linear || self.activity_regularizer.is_some() {
                return None;
            }
            Some((
                self.activation,
                Box::new(self.clone().activation($crate::ActivationKind::Linear)),
            ))
        }
    };
}
pub(crate) use output_settings;

/// Random values for the settings of [`kernel_settings`].
macro_rules! random_kernel_settings {
    ($layer:expr, $sampler:expr) => {{
        let mut layer = $crate::settings::random_output_settings!($layer, $sampler);
        if $sampler.coin() {
            layer = layer
                .kernel_regularizer($crate::L2($sampler.number(0.0, 0.1)))
                .name("named");
        }
        layer
    }};
}
pub(crate) use random_kernel_settings;

/// Random values for the settings of [`output_settings`].
macro_rules! random_output_settings {
    ($layer:expr, $sampler:expr) => {{
        let mut layer = $layer
            .activation($crate::ActivationKind::drawn($sampler))
            .use_bias($sampler.coin());
        if $sampler.coin() {
            layer = layer.activity_regularizer($crate::L1L2 {
                l1: $sampler.number(0.0, 0.1),
                l2: 0.1,
            });
        }
        layer
    }};
}
pub(crate) use random_output_settings;

/// The settings that all windows of a convolution share, under Keras's names. `S` are the layer's [`Sides`].
macro_rules! window_settings {
    () => {
        /// Steps of the window (default: 1).
        pub fn strides(mut self, strides: impl Into<S>) -> Self {
            self.strides = strides.into();
            self
        }

        /// Windows inside the input only, or zeros around it (default: valid).
        pub fn padding(mut self, padding: $crate::Padding) -> Self {
            self.padding = padding;
            self
        }

        /// Distance between the values that a kernel reads (default: 1).
        pub fn dilation_rate(mut self, rate: impl Into<S>) -> Self {
            self.dilation_rate = rate.into();
            self
        }

        fn check_windows(&self) -> $crate::setting::Checked {
            let sizes = [
                ("kernel_size", &self.kernel_size),
                ("strides", &self.strides),
                ("dilation_rate", &self.dilation_rate),
            ];
            sizes
                .iter()
                .try_for_each(|(name, sides)| $crate::setting::sizes(name, sides.sides()))
                .and_then(|()| self.check_penalty())
        }
    };
}
pub(crate) use window_settings;

/// The settings that a kernel of its own for each channel has, under Keras's names.
macro_rules! depthwise_settings {
    () => {
        /// How many outputs every channel has (default: 1).
        pub fn depth_multiplier(mut self, multiplier: usize) -> Self {
            self.depth_multiplier = multiplier;
            self
        }

        /// First values of the depthwise kernel (default: glorot uniform).
        pub fn depthwise_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.depthwise_initializer = initializer;
            self
        }

        /// Penalty on the depthwise kernel (default: none).
        pub fn depthwise_regularizer(
            mut self,
            regularizer: impl Into<$crate::Regularizer>,
        ) -> Self {
            self.depthwise_regularizer = Some(regularizer.into());
            self
        }

        /// What the depthwise kernel must be after every step (default: anything).
        pub fn depthwise_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.depthwise_constraint = Some(constraint.into());
            self
        }

        /// The depthwise part, for the kernels.
        fn depthwise(&self, channels: usize) -> taper_tensor::Conv2dSpec {
            taper_tensor::Conv2dSpec {
                strides: self.strides.on_image(1),
                padding: self.padding,
                dilation: self.dilation_rate.on_image(1),
                groups: channels,
            }
        }

        /// The depthwise part's kernel, as the kernels want it.
        fn depthwise_kernel(&self, channels: usize) -> [usize; 4] {
            let [height, width] = self.kernel_size.on_image(1);
            let filters = channels.saturating_mul(self.depth_multiplier);
            [height, width, 1, filters]
        }

        /// The depthwise part's kernel; its last axis are the outputs of each channel.
        fn depthwise_spec(&self, name: &'static str, channels: usize) -> $crate::WeightSpec {
            let sides = self.kernel_size.sides();
            $crate::WeightSpec {
                name: name.into(),
                shape: [sides, &[channels, self.depth_multiplier]].concat(),
                initializer: self.depthwise_initializer,
                regularizer: self.depthwise_regularizer,
                trainable: true,
            }
        }

        /// The image behind an input, and what the depthwise part makes of it.
        fn check(&self, input: &[usize]) -> $crate::Result<([usize; 3], [usize; 3])> {
            let class_name = $crate::Describe::class_name(self);
            let fail = |fault| $crate::Error::layer(class_name, fault);
            self.check_windows()
                .and_then(|()| $crate::setting::count("depth_multiplier", self.depth_multiplier))
                .and_then(|()| {
                    let sides = self.kernel_size.sides();
                    $crate::weight_checks::first_values_and_penalty::<f32>(
                        "depthwise",
                        &[sides, &[1, self.depth_multiplier]].concat(),
                        self.depthwise_initializer,
                        self.depthwise_regularizer,
                    )
                })
                .and_then(|()| $crate::settings::not_causal(self.padding))
                .map_err(fail)?;
            let image = S::image(input).ok_or_else(|| fail(S::wanted(input)))?;
            let kernel = self.depthwise_kernel(image[2]);
            let output =
                $crate::settings::convolved_shape(self, &self.depthwise(image[2]), image, kernel)?;
            Ok((image, output))
        }
    };
}
pub(crate) use depthwise_settings;

/// The shape of what a layer's convolution makes of one image.
pub(crate) fn convolved_shape(
    layer: &dyn Describe,
    spec: &Conv2dSpec,
    image: [usize; 3],
    kernel: [usize; 4],
) -> Result<[usize; 3]> {
    let [height, width, channels] = image;
    let g = ConvGeometry::new("conv2d", spec, &[1, height, width, channels], &kernel);
    let [_, height, width, filters] = g
        .map_err(|error| {
            let numbers = setting::numbers(&layer.config());
            Error::layer(layer.class_name(), format!("{error} ({numbers})"))
        })?
        .output_shape();
    Ok([height, width, filters])
}

/// `causal` is for convolutions of sequences alone.
pub(crate) fn not_causal(padding: Padding) -> setting::Checked {
    match padding {
        Padding::Causal => Err(
            "padding is \"causal\", which Conv1D alone has: \"valid\" or \"same\" is wanted".into(),
        ),
        _ => Ok(()),
    }
}
