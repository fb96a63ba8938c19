//! The layers, one file each, and the table of them: reading a model's description, the gradient checks and the
//! round-trip tests all go through [`all`], so that no layer can be added without being checked.

mod activation;
mod activity_regularization;
mod alpha_dropout;
mod average_pooling2d;
mod batch_normalization;
mod conv2d;
mod cropping1d;
mod cropping2d;
mod dense;
mod dropout;
mod elu;
mod flatten;
mod gaussian_dropout;
mod gaussian_noise;
mod global_average_pooling2d;
mod group_normalization;
mod identity;
mod input;
mod layer_normalization;
mod leaky_relu;
mod max_pooling1d;
mod max_pooling2d;
mod normalization;
mod permute;
mod prelu;
mod relu;
mod repeat_vector;
mod rescaling;
mod reshape;
mod rms_normalization;
mod softmax;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod unit_normalization;
mod up_sampling1d;
mod up_sampling2d;
mod zero_padding1d;
mod zero_padding2d;

pub use activation::Activation;
pub use activity_regularization::ActivityRegularization;
pub use alpha_dropout::AlphaDropout;
pub use average_pooling2d::AveragePooling2D;
pub use batch_normalization::BatchNormalization;
pub use conv2d::Conv2D;
pub use cropping1d::Cropping1D;
pub use cropping2d::Cropping2D;
pub use dense::Dense;
pub(crate) use dense::as_matrix;
pub use dropout::Dropout;
pub use elu::ELU;
pub use flatten::Flatten;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use global_average_pooling2d::GlobalAveragePooling2D;
pub use group_normalization::GroupNormalization;
pub use identity::Identity;
pub use input::Input;
pub use layer_normalization::LayerNormalization;
pub use leaky_relu::LeakyReLU;
pub use max_pooling1d::MaxPooling1D;
pub use max_pooling2d::MaxPooling2D;
pub use normalization::{Kept, Normalization};
pub use permute::Permute;
pub use prelu::PReLU;
pub use relu::ReLU;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use rms_normalization::RMSNormalization;
pub use softmax::Softmax;
pub use spatial_dropout1d::SpatialDropout1D;
pub use spatial_dropout2d::SpatialDropout2D;
pub use unit_normalization::UnitNormalization;
pub use up_sampling1d::UpSampling1D;
pub use up_sampling2d::{Interpolation, UpSampling2D};
pub use zero_padding1d::ZeroPadding1D;
pub use zero_padding2d::ZeroPadding2D;

use crate::settings::{kernel_settings, pooling_settings, random_kernel_settings};
use crate::{ActivationKind, Context, Error, Layer, Regularizer, Result};
use serde_json::Value;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

/// One kind of layer.
pub struct Row<E: Element = f32> {
    /// Keras's class name.
    pub class_name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads a description; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Box<dyn Layer<E>>>,
    /// A random one, for gradient checks and round trips.
    pub sample: fn(&mut Sampler) -> Sample<E>,
}

/// A layer, and the shape of one input (without the batch axis) that it takes.
pub struct Sample<E: Element = f32> {
    /// The layer.
    pub layer: Box<dyn Layer<E>>,
    /// The shape of one input.
    pub input: Vec<usize>,
}

impl<E: Element> Sample<E> {
    fn new(layer: impl Layer<E>, input: impl Into<Vec<usize>>) -> Self {
        Sample {
            layer: Box::new(layer),
            input: input.into(),
        }
    }
}

/// Every kind of layer.
pub fn all<E: Element>() -> Vec<Row<E>> {
    vec![
        activation::row(),
        activity_regularization::row(),
        alpha_dropout::row(),
        average_pooling2d::row(),
        batch_normalization::row(),
        conv2d::row(),
        cropping1d::row(),
        cropping2d::row(),
        dense::row(),
        dropout::row(),
        elu::row(),
        flatten::row(),
        gaussian_dropout::row(),
        gaussian_noise::row(),
        global_average_pooling2d::row(),
        group_normalization::row(),
        identity::row(),
        input::row(),
        layer_normalization::row(),
        leaky_relu::row(),
        max_pooling1d::row(),
        max_pooling2d::row(),
        normalization::row(),
        permute::row(),
        prelu::row(),
        relu::row(),
        repeat_vector::row(),
        rescaling::row(),
        reshape::row(),
        rms_normalization::row(),
        softmax::row(),
        spatial_dropout1d::row(),
        spatial_dropout2d::row(),
        unit_normalization::row(),
        up_sampling1d::row(),
        up_sampling2d::row(),
        zero_padding1d::row(),
        zero_padding2d::row(),
    ]
}

/// Reads the description of a layer.
///
/// ```
/// use serde_json::json;
/// let layer = taper_nn::layers::from_config::<f32>("Dense", &json!({"units": 10, "activation": "softmax"}))?;
/// assert_eq!(layer.output_shape(&[128])?, [10]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
///
/// # Errors
/// An unknown class name, an unknown entry, or a value of the wrong kind.
pub fn from_config<E: Element>(class_name: &str, config: &Value) -> Result<Box<dyn Layer<E>>> {
    let rows = all::<E>();
    let Some(row) = rows.iter().find(|row| row.class_name == class_name) else {
        let known: Vec<_> = rows.iter().map(|row| row.class_name).collect();
        return Err(Error::Config(format!(
            "no layer is called {class_name:?}: there are {}",
            known.join(", ")
        )));
    };
    (row.from_config)(config)
}

/// `from_config` of a layer that serde can read.
fn boxed<E: Element, L: Layer<E> + serde::de::DeserializeOwned>(
    class_name: &str,
    config: &Value,
) -> Result<Box<dyn Layer<E>>> {
    Ok(Box::new(crate::config::parse::<L>(class_name, config)?))
}

/// The kernel and, with `use_bias`, the bias among a layer's weights.
pub(crate) fn kernel_and_bias<'a, E: Element>(
    class_name: &str,
    weights: &'a [Var<E>],
    use_bias: bool,
) -> Result<(&'a Var<E>, Option<&'a Var<E>>)> {
    match (weights, use_bias) {
        ([kernel, bias], true) => Ok((kernel, Some(bias))),
        ([kernel], false) => Ok((kernel, None)),
        _ => {
            let wanted = if use_bias {
                "a kernel and a bias"
            } else {
                "a kernel"
            };
            Err(Error::layer(
                class_name,
                format!("{wanted} wanted, {} weights given", weights.len()),
            ))
        }
    }
}

/// The end of a layer with weights: activation function, then the penalty of what comes out.
fn finish<E: Element>(
    x: Var<E>,
    activation: ActivationKind,
    regularizer: Option<Regularizer>,
    context: &mut Context<E>,
) -> Result<Var<E>> {
    let y = activation.apply(&x)?;
    context.penalize(&y, regularizer)?;
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_missing_from_the_table() {
        let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
        crate::testing::assert_complete("layers", &rows);
    }

    #[test]
    fn settings_tell_their_defaults() {
        crate::testing::assert_defaults_are_told("layers");
    }

    #[test]
    fn descriptions_survive_json() {
        for row in all::<f64>() {
            for case in 0..20 {
                let layer = (row.sample)(&mut Sampler::new(1, case)).layer;
                assert_eq!(layer.class_name(), row.class_name);
                let text = layer.config().to_string();
                let again =
                    from_config::<f64>(row.class_name, &serde_json::from_str(&text).unwrap())
                        .unwrap();
                assert_eq!(again.config(), layer.config());
                assert_eq!(format!("{again:?}"), format!("{layer:?}"));
            }
        }
    }

    #[test]
    fn unknown_classes_and_entries_are_named() {
        let error = |class, config| from_config::<f32>(class, &config).unwrap_err().to_string();
        let message = error("Conv4D", serde_json::json!({}));
        assert!(
            message.contains("Conv4D") && message.contains("Conv2D, "),
            "{message}"
        );
        let message = error(
            "Dense",
            serde_json::json!({"units": 3, "activaton": "relu"}),
        );
        assert!(
            message.starts_with("Dense: ") && message.contains("activaton"),
            "{message}"
        );
        let message = error("Dense", serde_json::json!({"units": -3}));
        assert!(message.starts_with("Dense: "), "{message}");
        let message = error("Dense", serde_json::Value::Null);
        assert!(message.contains("units"), "{message}");
    }
}
