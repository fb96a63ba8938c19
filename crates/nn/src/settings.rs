//! What several layers share of their descriptions: settings under Keras's names, as methods of each, and the shape behind
//! windows over an image.

use crate::{Error, Result, setting};
use taper_tensor::Pool2dSpec;

/// The settings that all layers with a kernel and a bias share, under Keras's names.
macro_rules! kernel_settings {
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

        /// First values of the kernel (default: glorot uniform).
        pub fn kernel_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.kernel_initializer = initializer;
            self
        }

        /// First values of the bias (default: zeros).
        pub fn bias_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.bias_initializer = initializer;
            self
        }

        /// Penalty on the kernel, e.g. `L2(0.01)` (default: none).
        pub fn kernel_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.kernel_regularizer = Some(regularizer.into());
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

        fn weight_specs(&self, kernel: Vec<usize>, outputs: usize) -> Vec<$crate::WeightSpec> {
            let bias = $crate::WeightSpec {
                name: "bias".into(),
                shape: vec![outputs],
                initializer: self.bias_initializer,
                regularizer: self.bias_regularizer,
                trainable: true,
            };
            let kernel = $crate::WeightSpec {
                name: "kernel".into(),
                shape: kernel,
                initializer: self.kernel_initializer,
                regularizer: self.kernel_regularizer,
                trainable: true,
            };
            if self.use_bias {
                vec![kernel, bias]
            } else {
                vec![kernel]
            }
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
pub(crate) use kernel_settings;

/// Random values for the settings of [`kernel_settings`].
macro_rules! random_kernel_settings {
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
        if $sampler.coin() {
            layer = layer
                .kernel_regularizer($crate::L2($sampler.number(0.0, 0.1)))
                .name("named");
        }
        layer
    }};
}
pub(crate) use random_kernel_settings;

/// The settings that all pooling layers of images share, under Keras's names.
macro_rules! pooling_settings {
    () => {
        /// Steps of the windows (default: `pool_size`).
        pub fn strides(mut self, strides: impl Into<$crate::Pair>) -> Self {
            self.strides = Some(strides.into());
            self
        }

        /// Windows inside the image only, or reaching over its edges (default: valid).
        pub fn padding(mut self, padding: $crate::Padding) -> Self {
            self.padding = padding;
            self
        }

        /// The layer's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }

        /// The geometry, for the kernels.
        pub(crate) fn spec(&self) -> taper_tensor::Pool2dSpec {
            let strides = self.strides.unwrap_or(self.pool_size);
            taper_tensor::Pool2dSpec {
                size: self.pool_size.0,
                strides: strides.0,
                padding: self.padding,
            }
        }

        /// A random one, and the shape of one input.
        fn random(sampler: &mut taper_autograd::gradcheck::Sampler) -> (Self, [usize; 3]) {
            let mut layer = Self::new([sampler.integer(1, 3), sampler.integer(1, 3)]);
            if sampler.coin() {
                layer = layer
                    .strides([sampler.integer(1, 3), sampler.integer(1, 3)])
                    .padding($crate::Padding::Same);
            }
            let (height, width) = (sampler.integer(3, 6), sampler.integer(3, 6));
            (layer, [height, width, sampler.integer(1, 3)])
        }
    };
}
pub(crate) use pooling_settings;

/// The shape of what pooling by a layer called `class_name` makes of one image.
pub(crate) fn pooled_shape(
    class_name: &str,
    spec: &Pool2dSpec,
    input: &[usize],
) -> Result<Vec<usize>> {
    let fail = |message: String| Error::layer(class_name, message);
    setting::sizes("pool_size", &spec.size)
        .and_then(|()| setting::sizes("strides", &spec.strides))
        .map_err(fail)?;
    if input.len() != 3 {
        return Err(fail(format!(
            "an input [height, width, channels] is wanted, this one is {input:?}"
        )));
    }
    let output = spec
        .output_shape(&[&[1], input].concat())
        .map_err(|error| {
            let (size, strides) = (spec.size, spec.strides);
            fail(format!(
                "{error} (pool_size = {size:?}, strides = {strides:?})"
            ))
        })?;
    Ok(output[1..].to_vec())
}
