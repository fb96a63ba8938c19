//! What several layers share of their descriptions: settings under Keras's names, as methods of each, and the shape behind
//! a convolution.

use crate::{Describe, Error, Padding, Result, setting};
use taper_autograd::Var;
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::ops::Dropout;
use taper_tensor::{Conv2dSpec, Element, Tensor};

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

/// The settings that normalizations of single samples share, under Keras's names: ε, γ and β.
macro_rules! scale_and_offset_settings {
    () => {
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
        pub fn beta_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.beta_initializer = initializer;
            self
        }

        /// First values of γ (default: ones).
        pub fn gamma_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.gamma_initializer = initializer;
            self
        }

        /// Penalty on β (default: none).
        pub fn beta_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.beta_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on γ (default: none).
        pub fn gamma_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.gamma_regularizer = Some(regularizer.into());
            self
        }

        /// What β must be after every step (default: anything).
        pub fn beta_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.beta_constraint = Some(constraint.into());
            self
        }

        /// What γ must be after every step (default: anything).
        pub fn gamma_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.gamma_constraint = Some(constraint.into());
            self
        }

        /// The layer's name in the model (default: made from the class name).
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = Some(name.into());
            self
        }

        fn check(&self, class_name: &str) -> $crate::Result<()> {
            $crate::setting::not_negative_in::<f32>("epsilon", self.epsilon)
                .map_err(|fault| $crate::Error::layer(class_name, fault))
        }

        fn weight_specs(&self, shape: Vec<usize>) -> Vec<$crate::WeightSpec> {
            let spec = |name: &'static str, initializer, regularizer| $crate::WeightSpec {
                name: name.into(),
                shape: shape.clone(),
                initializer,
                regularizer,
                trainable: true,
            };
            let gamma = spec("gamma", self.gamma_initializer, self.gamma_regularizer);
            let beta = spec("beta", self.beta_initializer, self.beta_regularizer);
            let gamma = self.scale.then_some(gamma);
            gamma
                .into_iter()
                .chain(self.center.then_some(beta))
                .collect()
        }

        fn constraint_of(&self, weight: &str) -> Option<$crate::Constraint> {
            match weight {
                "gamma" => self.gamma_constraint.clone(),
                "beta" => self.beta_constraint.clone(),
                _ => None,
            }
        }

        /// γ and β among the weights.
        #[allow(clippy::type_complexity)]
        fn of_weights<'a, E: taper_tensor::Element>(
            &self,
            class_name: &str,
            weights: &'a [taper_autograd::Var<E>],
        ) -> $crate::Result<(
            Option<&'a taper_autograd::Var<E>>,
            Option<&'a taper_autograd::Var<E>>,
        )> {
            let wanted = usize::from(self.scale) + usize::from(self.center);
            if weights.len() != wanted {
                let message = format!("{wanted} weights wanted, {} given", weights.len());
                return Err($crate::Error::layer(class_name, message));
            }
            Ok((
                weights.first().filter(|_| self.scale),
                weights.last().filter(|_| self.center),
            ))
        }

        fn random_settings(self, sampler: &mut taper_autograd::gradcheck::Sampler) -> Self {
            let mut layer = self
                .epsilon(sampler.number(0.01, 0.5))
                .center(sampler.coin())
                .scale(sampler.coin());
            if sampler.coin() {
                layer = layer
                    .gamma_regularizer($crate::L2(sampler.number(0.0, 0.1)))
                    .beta_initializer($crate::Initializer::Constant(0.5))
                    .gamma_constraint($crate::NonNeg)
                    .name("named");
            }
            layer
        }
    };
}
pub(crate) use scale_and_offset_settings;

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

/// The shape of a sample with so much added to its first axes.
pub(crate) fn padded_shape(
    class_name: &str,
    padding: &[[usize; 2]],
    input: &[usize],
) -> Result<Vec<usize>> {
    let added = |length: usize, [before, behind]: [usize; 2]| {
        Some(length.saturating_add(before).saturating_add(behind))
    };
    moved_shape(class_name, ("padding", &padding), padding, input, added)
}

/// The shape of a sample with so much cut off its first axes; something must be left of each.
pub(crate) fn cropped_shape(
    class_name: &str,
    cropping: &[[usize; 2]],
    input: &[usize],
) -> Result<Vec<usize>> {
    let left = |length: usize, [before, behind]: [usize; 2]| {
        let left = length.checked_sub(before)?.checked_sub(behind)?;
        (left > 0).then_some(left)
    };
    moved_shape(class_name, ("cropping", &cropping), cropping, input, left)
}

/// The shape of a sample whose first axes are so many times as long.
pub(crate) fn stretched_shape(
    class_name: &str,
    size: &[usize],
    input: &[usize],
) -> Result<Vec<usize>> {
    setting::sizes("size", size).map_err(|fault| Error::layer(class_name, fault))?;
    let stretched = |length: usize, factor: usize| Some(length.saturating_mul(factor));
    moved_shape(class_name, ("size", &size), size, input, stretched)
}

/// The shape of a sequence or an image whose axes but the last become what `change` makes of them; nothing where it cannot.
fn moved_shape<S: Copy>(
    class_name: &str,
    (setting, value): (&str, &dyn std::fmt::Debug),
    changes: &[S],
    input: &[usize],
    change: impl Fn(usize, S) -> Option<usize>,
) -> Result<Vec<usize>> {
    let fail = |message: String| Error::layer(class_name, message);
    let wanted = ["steps, channels", "height, width, channels"][usize::from(changes.len() > 1)];
    if input.len() != changes.len() + 1 {
        return Err(fail(format!(
            "an input [{wanted}] is wanted, this one is {input:?}"
        )));
    }
    let mut output = input.to_vec();
    for (length, &by) in output.iter_mut().zip(changes) {
        *length = change(*length, by).ok_or_else(|| {
            fail(format!(
                "{setting} is {value:?}: nothing is left of an input {input:?}"
            ))
        })?;
    }
    match setting::elements(&output) {
        Some(_) => Ok(output),
        None => Err(fail(format!(
            "{setting} is {value:?}: what it makes of an input {input:?} is too large"
        ))),
    }
}

/// The error of a forward pass that is given something else.
pub(crate) fn no_batch_of(class_name: &str, what: &str, shape: &[usize]) -> Error {
    Error::layer(class_name, format!("{shape:?} is no batch of {what}"))
}

/// Dropout of whole channels (the last axis) of each sample.
pub(crate) fn drop_channels<E: Element>(x: &Var<E>, dropout: Option<Dropout>) -> Result<Var<E>> {
    let Some(dropout) = dropout else {
        return Ok(x.clone());
    };
    let mut shape = vec![1; x.shape().len()];
    for axis in [0, shape.len() - 1] {
        shape[axis] = x.shape()[axis];
    }
    let mask = Tensor::ones(shape).dropout(&dropout)?;
    Ok(x.mul(&x.tape().constant(&mask))?)
}

/// What `work` makes of rows `[…, width]`, which these axes of a batch make together; of the shape of `x`.
pub(crate) fn with_axes_last<E: Element>(
    x: &Var<E>,
    axes: &[usize],
    work: impl FnOnce(&Var<E>) -> Result<Var<E>>,
) -> Result<Var<E>> {
    let rank = x.shape().len();
    let front: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let order = [&front, axes].concat();
    let in_place = order.iter().copied().eq(0..rank);
    let turned = if in_place {
        x.clone()
    } else {
        x.permute(&order)?
    };
    let width: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    let shape = turned.shape().to_vec();
    let rows = turned.reshape([&shape[..front.len()], &[width]].concat())?;
    let y = work(&rows)?.reshape(shape)?;
    if in_place {
        return Ok(y);
    }
    let mut back = vec![0; rank];
    order
        .iter()
        .enumerate()
        .for_each(|(to, &from)| back[from] = to);
    Ok(y.permute(&back)?)
}

/// `x` divided by its length along these axes of a batch, which is `least` at least.
pub(crate) fn of_length_one<E: Element>(x: &Var<E>, axes: &[usize], least: f64) -> Result<Var<E>> {
    let square = x.square().sum_axes(axes, true)?;
    let length = square
        .clip(E::from_f64(least * least), E::infinity())
        .sqrt();
    Ok(x.div(&length)?)
}
