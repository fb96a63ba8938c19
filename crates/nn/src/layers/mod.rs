//! The layers, one file each, and the table of them: reading a model's description, the gradient checks and the
//! round-trip tests all go through [`all`], so that no layer can be added without being checked.

mod activation;
mod activity_regularization;
mod adaptive_average_pooling1d;
mod adaptive_average_pooling2d;
mod adaptive_max_pooling1d;
mod adaptive_max_pooling2d;
mod alpha_dropout;
mod average_pooling1d;
mod average_pooling2d;
mod batch_normalization;
mod bidirectional;
mod category_encoding;
mod center_crop;
mod conv1d;
mod conv1d_transpose;
mod conv2d;
mod conv2d_transpose;
mod convolution;
mod cropping1d;
mod cropping2d;
mod dense;
mod depthwise_conv1d;
mod depthwise_conv2d;
mod discretization;
mod dropout;
mod einsum_dense;
mod elu;
mod embedding;
mod flatten;
mod gaussian_dropout;
mod gaussian_noise;
mod global_average_pooling1d;
mod global_average_pooling2d;
mod global_max_pooling1d;
mod global_max_pooling2d;
mod group_normalization;
mod gru;
mod identity;
mod input;
mod layer_normalization;
mod leaky_relu;
mod lstm;
mod masking;
mod max_pooling1d;
mod max_pooling2d;
mod normalization;
mod permute;
mod pooling;
mod prelu;
mod random_brightness;
mod random_color_jitter;
mod random_contrast;
mod random_crop;
mod random_erasing;
mod random_flip;
mod random_gaussian_blur;
mod random_grayscale;
mod random_hue;
mod random_invert;
mod random_posterization;
mod random_rotation;
mod random_saturation;
mod random_sharpness;
mod random_shear;
mod random_translation;
mod random_zoom;
mod relu;
mod repeat_vector;
mod rescaling;
mod reshape;
mod resizing;
mod rms_normalization;
mod rnn;
mod separable_conv1d;
mod separable_conv2d;
mod simple_rnn;
mod softmax;
mod solarization;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod time_distributed;
mod unit_normalization;
mod up_sampling1d;
mod up_sampling2d;
mod zero_padding1d;
mod zero_padding2d;

pub use activation::Activation;
pub use activity_regularization::ActivityRegularization;
pub use adaptive_average_pooling1d::AdaptiveAveragePooling1D;
pub use adaptive_average_pooling2d::AdaptiveAveragePooling2D;
pub use adaptive_max_pooling1d::AdaptiveMaxPooling1D;
pub use adaptive_max_pooling2d::AdaptiveMaxPooling2D;
pub use alpha_dropout::AlphaDropout;
pub use average_pooling1d::AveragePooling1D;
pub use average_pooling2d::AveragePooling2D;
pub use batch_normalization::BatchNormalization;
pub use bidirectional::{Bidirectional, MergeMode};
pub use category_encoding::CategoryEncoding;
pub use center_crop::CenterCrop;
pub use conv1d::Conv1D;
pub use conv1d_transpose::Conv1DTranspose;
pub use conv2d::Conv2D;
pub use conv2d_transpose::Conv2DTranspose;
pub use convolution::{
    Convolution, DepthwiseConvolution, SeparableConvolution, Sides, TransposedConvolution,
};
pub use cropping1d::Cropping1D;
pub use cropping2d::Cropping2D;
pub use dense::Dense;
pub(crate) use dense::as_matrix;
pub use depthwise_conv1d::DepthwiseConv1D;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use discretization::Discretization;
pub use dropout::Dropout;
pub use einsum_dense::{EinsumDense, PartialShape};
pub use elu::ELU;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use global_average_pooling1d::GlobalAveragePooling1D;
pub use global_average_pooling2d::GlobalAveragePooling2D;
pub use global_max_pooling1d::GlobalMaxPooling1D;
pub use global_max_pooling2d::GlobalMaxPooling2D;
pub use group_normalization::GroupNormalization;
pub use gru::GRU;
pub use identity::Identity;
pub use input::Input;
pub use layer_normalization::LayerNormalization;
pub use leaky_relu::LeakyReLU;
pub use lstm::LSTM;
pub use masking::Masking;
pub use max_pooling1d::MaxPooling1D;
pub use max_pooling2d::MaxPooling2D;
pub use normalization::{KeptAxes, Normalization};
pub use permute::Permute;
pub use pooling::{AdaptivePooling, Averages, GlobalPooling, Kept, Maxima, WindowPooling};
pub use prelu::PReLU;
pub use random_brightness::RandomBrightness;
pub use random_color_jitter::RandomColorJitter;
pub use random_contrast::RandomContrast;
pub use random_crop::RandomCrop;
pub use random_erasing::{Fill, RandomErasing};
pub use random_flip::{Flip, RandomFlip};
pub use random_gaussian_blur::RandomGaussianBlur;
pub use random_grayscale::RandomGrayscale;
pub use random_hue::RandomHue;
pub use random_invert::RandomInvert;
pub use random_posterization::RandomPosterization;
pub use random_rotation::RandomRotation;
pub use random_saturation::RandomSaturation;
pub use random_sharpness::RandomSharpness;
pub use random_shear::RandomShear;
pub use random_translation::RandomTranslation;
pub use random_zoom::RandomZoom;
pub use relu::ReLU;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use resizing::Resizing;
pub use rms_normalization::RMSNormalization;
pub use rnn::RNN;
pub use separable_conv1d::SeparableConv1D;
pub use separable_conv2d::SeparableConv2D;
pub use simple_rnn::SimpleRNN;
pub use softmax::Softmax;
pub use solarization::Solarization;
pub use spatial_dropout1d::SpatialDropout1D;
pub use spatial_dropout2d::SpatialDropout2D;
pub use time_distributed::TimeDistributed;
pub use unit_normalization::UnitNormalization;
pub use up_sampling1d::UpSampling1D;
pub use up_sampling2d::UpSampling2D;
pub use zero_padding1d::ZeroPadding1D;
pub use zero_padding2d::ZeroPadding2D;

pub(crate) use convolution::{Convolving, convolving};

use crate::settings::{kernel_settings, random_kernel_settings};
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
        adaptive_average_pooling1d::row(),
        adaptive_average_pooling2d::row(),
        adaptive_max_pooling1d::row(),
        adaptive_max_pooling2d::row(),
        alpha_dropout::row(),
        average_pooling1d::row(),
        average_pooling2d::row(),
        batch_normalization::row(),
        bidirectional::row(),
        category_encoding::row(),
        center_crop::row(),
        conv1d::row(),
        conv1d_transpose::row(),
        conv2d::row(),
        conv2d_transpose::row(),
        cropping1d::row(),
        cropping2d::row(),
        dense::row(),
        depthwise_conv1d::row(),
        depthwise_conv2d::row(),
        discretization::row(),
        dropout::row(),
        einsum_dense::row(),
        elu::row(),
        embedding::row(),
        flatten::row(),
        gaussian_dropout::row(),
        gaussian_noise::row(),
        global_average_pooling1d::row(),
        global_average_pooling2d::row(),
        global_max_pooling1d::row(),
        global_max_pooling2d::row(),
        group_normalization::row(),
        gru::row(),
        identity::row(),
        input::row(),
        layer_normalization::row(),
        leaky_relu::row(),
        lstm::row(),
        masking::row(),
        max_pooling1d::row(),
        max_pooling2d::row(),
        normalization::row(),
        permute::row(),
        prelu::row(),
        random_brightness::row(),
        random_color_jitter::row(),
        random_contrast::row(),
        random_crop::row(),
        random_erasing::row(),
        random_flip::row(),
        random_gaussian_blur::row(),
        random_grayscale::row(),
        random_hue::row(),
        random_invert::row(),
        random_posterization::row(),
        random_rotation::row(),
        random_saturation::row(),
        random_sharpness::row(),
        random_shear::row(),
        random_translation::row(),
        random_zoom::row(),
        relu::row(),
        repeat_vector::row(),
        rescaling::row(),
        reshape::row(),
        resizing::row(),
        rms_normalization::row(),
        rnn::row(),
        separable_conv1d::row(),
        separable_conv2d::row(),
        simple_rnn::row(),
        softmax::row(),
        solarization::row(),
        spatial_dropout1d::row(),
        spatial_dropout2d::row(),
        time_distributed::row(),
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
        for folder in ["layers", "layers/convolution", "layers/pooling"] {
            crate::testing::assert_defaults_are_told(folder);
        }
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
