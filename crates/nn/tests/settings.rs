//! Every number that a layer or a junction can be given, drawn from what is hardly ever meant, through JSON and through Rust:
//! either an error that names the setting, or a model that works. Goes over the tables, so that an added setting is drawn, too.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use taper_autograd::gradcheck::Sampler;
use taper_nn::layers::*;
use taper_nn::{
    Error, Functional, Initializer, Interpolation, L1, L1L2, L2, Layer, MeanSquaredError, Model,
    Padding, Relu, Seed, Sequential, junctions, layers,
};
use taper_tensor::{Stream, Tensor};

const NUMBERS: [f64; 15] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    -1e-300,
    0.0,
    -0.0,
    1e-300,
    0.5,
    0.999_999,
    1.0,
    1.0 + f64::EPSILON,
    1e30,
    1e300,
    f64::MAX,
];

const SIZES: [usize; 9] = [
    0,
    1,
    3,
    300,
    1 << 33,
    1 << 40,
    usize::MAX / 2,
    usize::MAX - 1,
    usize::MAX,
];

/// JSON has no NaN and no ∞; whoever writes them by serde gets `null`.
fn drawn_json() -> Vec<Value> {
    let numbers = NUMBERS.map(|number| json!(number));
    let sizes = SIZES.map(|size| json!(size));
    let words = [
        json!("NaN"),
        json!("much"),
        json!(-3),
        json!([]),
        json!({}),
        json!(true),
    ];
    [&numbers[..], &sizes, &words].concat()
}

/// Predicts and learns once, or says why not.
fn use_model(model: Result<Model, Error>) -> Result<(), Error> {
    let mut model = model?;
    let key = Seed(5).key(Stream::User(0), 0);
    let batch = |shape: &[usize]| [&[2], shape].concat();
    let inputs: Vec<Tensor> = model
        .inputs()
        .map(|(_, shape)| Tensor::uniform(batch(shape), -1.0, 1.0, key))
        .collect();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let target = Tensor::zeros(batch(model.output_shape()));
    assert_eq!(model.predict(&inputs[..])?.shape(), target.shape());
    model.prepare(2)?;
    model.train_batch(&inputs[..], &target, &MeanSquaredError, Seed(1), 0)?;
    Ok(())
}

/// Every number below `config`, as a JSON pointer.
fn numbers(config: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| -> Vec<String> {
        let below = numbers(value).into_iter();
        below.map(|rest| format!("/{name}{rest}")).collect()
    };
    match config {
        Value::Number(_) => vec![String::new()],
        Value::Object(entries) => entries.iter().flat_map(|(k, v)| below(k, v)).collect(),
        Value::Array(items) => (0..items.len())
            .flat_map(|i| below(&i.to_string(), &items[i]))
            .collect(),
        _ => Vec::new(),
    }
}

/// The words of a place that an error must have: `/kernel_regularizer/l2`, `/pool_size/1`.
fn words(place: &str) -> impl Iterator<Item = &str> {
    place
        .split('/')
        .filter(|part| part.parse::<u8>().is_err() && !part.is_empty())
}

/// The most address space that this process has asked for.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmPeak:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs a case of each kind; none takes long or much memory.
fn within_bounds(case: &str, run: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let (started, before) = (Instant::now(), peak());
    let result = run();
    assert!(
        started.elapsed() <= Duration::from_secs(10),
        "{case}: {:?}",
        started.elapsed()
    );
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(
            after.saturating_sub(before) <= 2 << 20,
            "{case}: {} KiB more",
            after.saturating_sub(before)
        );
    }
    result
}

/// A description of a model with this layer or junction.
fn chain(class_name: &str, config: &Value, input: &[usize]) -> Value {
    let layers = json!([{"class_name": class_name, "config": config}]);
    json!({"class_name": "Sequential", "config": {"input_shape": input, "layers": layers}})
}

#[test]
fn json_is_refused_by_name_or_works() {
    let (mut refused, mut worked) = (0, 0);
    for row in layers::all::<f32>() {
        for case in 0..8 {
            let sample = (row.sample)(&mut Sampler::new(9, case));
            let config = sample.layer.config();
            for place in numbers(&config) {
                for value in drawn_json() {
                    let mut config = config.clone();
                    *config.pointer_mut(&place).unwrap() = value.clone();
                    let told = format!("{}{place} = {value}", row.class_name);
                    let model = || {
                        Model::from_config(&chain(row.class_name, &config, &sample.input), Seed(1))
                    };
                    match within_bounds(&told, || use_model(model())) {
                        Ok(()) => worked += 1,
                        Err(error) => {
                            let message = error.to_string();
                            let word = words(&place).next().unwrap();
                            assert!(message.contains(word), "{told}: {message}");
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(
        refused > 500 && worked > 100,
        "{refused} refused, {worked} worked"
    );
}

#[test]
fn junctions_in_json_are_refused_by_name_or_work() {
    for row in junctions::all::<f32>() {
        for case in 0..8 {
            let sample = (row.sample)(&mut Sampler::new(9, case));
            let config = sample.junction.config();
            let shapes: Vec<&[usize]> = sample.inputs.iter().map(Vec::as_slice).collect();
            for place in numbers(&config) {
                for value in drawn_json() {
                    let mut config = config.clone();
                    *config.pointer_mut(&place).unwrap() = value.clone();
                    let model = || {
                        let junction = junctions::from_config::<f32>(row.class_name, &config)?;
                        let mut net = Functional::new();
                        let inputs = sample.inputs.iter().enumerate();
                        let inputs: Vec<_> = inputs
                            .map(|(i, shape)| net.input(&format!("in{i}"), shape.clone()))
                            .collect();
                        let outputs = sample.junction.output_shapes(&shapes)?.len();
                        let junction = net.junction_boxed(junction);
                        match outputs {
                            1 => {
                                let output = net.call(junction, &inputs[..]);
                                net.outputs(&[output]).build(Seed(1))
                            }
                            2 => {
                                let outputs: [_; 2] = net.call_split(junction, &inputs[..]);
                                net.outputs(&outputs[..1]).build(Seed(1))
                            }
                            _ => {
                                let outputs: [_; 3] = net.call_split(junction, &inputs[..]);
                                net.outputs(&outputs[..1]).build(Seed(1))
                            }
                        }
                    };
                    let told = format!("{}{place} = {value}", row.class_name);
                    if let Err(error) = within_bounds(&told, || use_model(model())) {
                        let message = error.to_string();
                        let word = words(&place).next().unwrap();
                        assert!(message.contains(word), "{told}: {message}");
                    }
                }
            }
        }
    }
}

type OfNumber = fn(f64) -> Box<dyn Layer>;
type OfSize = fn(usize) -> Box<dyn Layer>;

const IMAGE: [usize; 3] = [8, 8, 2];

fn conv() -> Conv2D {
    Conv2D::new(2, 3)
}

fn einsum_dense(n: usize) -> EinsumDense {
    EinsumDense::new("...x,xy->...y", n).bias_axes("y")
}

/// Every number that Rust can set in a layer.
const OF_NUMBERS: &[(&str, &str, OfNumber)] = &[
    ("Dropout", "rate", |x| Box::new(Dropout::new(x))),
    ("BatchNormalization", "momentum", |x| {
        Box::new(BatchNormalization::new().momentum(x))
    }),
    ("BatchNormalization", "epsilon", |x| {
        Box::new(BatchNormalization::new().epsilon(x))
    }),
    ("BatchNormalization", "moving_variance_initializer", |x| {
        Box::new(BatchNormalization::new().moving_variance_initializer(Initializer::Constant(x)))
    }),
    ("BatchNormalization", "gamma_initializer", |x| {
        Box::new(BatchNormalization::new().gamma_initializer(Initializer::Constant(x)))
    }),
    ("BatchNormalization", "beta_initializer", |x| {
        Box::new(BatchNormalization::new().beta_initializer(Initializer::Constant(x)))
    }),
    ("BatchNormalization", "moving_mean_initializer", |x| {
        Box::new(BatchNormalization::new().moving_mean_initializer(Initializer::Constant(x)))
    }),
    ("BatchNormalization", "gamma_regularizer", |x| {
        Box::new(BatchNormalization::new().gamma_regularizer(L1(x)))
    }),
    ("BatchNormalization", "beta_regularizer", |x| {
        Box::new(BatchNormalization::new().beta_regularizer(L2(x)))
    }),
    ("Dense", "kernel_initializer", |x| {
        Box::new(Dense::new(2).kernel_initializer(Initializer::Constant(x)))
    }),
    ("Dense", "bias_initializer", |x| {
        Box::new(Dense::new(2).bias_initializer(Initializer::Constant(x)))
    }),
    ("Dense", "kernel_regularizer", |x| {
        Box::new(Dense::new(2).kernel_regularizer(L1(x)))
    }),
    ("Dense", "bias_regularizer", |x| {
        Box::new(Dense::new(2).bias_regularizer(L2(x)))
    }),
    ("Dense", "activity_regularizer", |x| {
        Box::new(Dense::new(2).activity_regularizer(L1L2 { l1: 0.1, l2: x }))
    }),
    ("Conv2D", "kernel_initializer", |x| {
        Box::new(conv().kernel_initializer(Initializer::Constant(x)))
    }),
    ("Conv2D", "bias_initializer", |x| {
        Box::new(conv().bias_initializer(Initializer::Constant(x)))
    }),
    ("Conv2D", "kernel_regularizer", |x| {
        Box::new(conv().kernel_regularizer(L1(x)))
    }),
    ("Conv2D", "bias_regularizer", |x| {
        Box::new(conv().bias_regularizer(L2(x)))
    }),
    ("Conv2D", "activity_regularizer", |x| {
        Box::new(conv().activity_regularizer(L1(x)))
    }),
    ("Conv1D", "kernel_initializer", |x| {
        Box::new(Conv1D::new(2, 3).kernel_initializer(Initializer::Constant(x)))
    }),
    ("Conv1D", "kernel_regularizer", |x| {
        Box::new(Conv1D::new(2, 3).kernel_regularizer(L1(x)))
    }),
    ("Conv1D", "bias_initializer", |x| {
        Box::new(Conv1D::new(2, 3).bias_initializer(Initializer::Constant(x)))
    }),
    ("Conv1D", "bias_regularizer", |x| {
        Box::new(Conv1D::new(2, 3).bias_regularizer(L2(x)))
    }),
    ("Conv1D", "activity_regularizer", |x| {
        Box::new(Conv1D::new(2, 3).activity_regularizer(L1(x)))
    }),
    ("Conv1DTranspose", "kernel_initializer", |x| {
        Box::new(Conv1DTranspose::new(2, 3).kernel_initializer(Initializer::Constant(x)))
    }),
    ("Conv1DTranspose", "kernel_regularizer", |x| {
        Box::new(Conv1DTranspose::new(2, 3).kernel_regularizer(L1(x)))
    }),
    ("Conv1DTranspose", "bias_initializer", |x| {
        Box::new(Conv1DTranspose::new(2, 3).bias_initializer(Initializer::Constant(x)))
    }),
    ("Conv1DTranspose", "bias_regularizer", |x| {
        Box::new(Conv1DTranspose::new(2, 3).bias_regularizer(L2(x)))
    }),
    ("Conv1DTranspose", "activity_regularizer", |x| {
        Box::new(Conv1DTranspose::new(2, 3).activity_regularizer(L1(x)))
    }),
    ("Conv2DTranspose", "kernel_initializer", |x| {
        Box::new(Conv2DTranspose::new(2, 3).kernel_initializer(Initializer::Constant(x)))
    }),
    ("Conv2DTranspose", "kernel_regularizer", |x| {
        Box::new(Conv2DTranspose::new(2, 3).kernel_regularizer(L1(x)))
    }),
    ("Conv2DTranspose", "bias_initializer", |x| {
        Box::new(Conv2DTranspose::new(2, 3).bias_initializer(Initializer::Constant(x)))
    }),
    ("Conv2DTranspose", "bias_regularizer", |x| {
        Box::new(Conv2DTranspose::new(2, 3).bias_regularizer(L2(x)))
    }),
    ("Conv2DTranspose", "activity_regularizer", |x| {
        Box::new(Conv2DTranspose::new(2, 3).activity_regularizer(L1(x)))
    }),
    ("DepthwiseConv1D", "depthwise_initializer", |x| {
        Box::new(DepthwiseConv1D::new(3).depthwise_initializer(Initializer::Constant(x)))
    }),
    ("DepthwiseConv1D", "depthwise_regularizer", |x| {
        Box::new(DepthwiseConv1D::new(3).depthwise_regularizer(L1(x)))
    }),
    ("DepthwiseConv1D", "bias_initializer", |x| {
        Box::new(DepthwiseConv1D::new(3).bias_initializer(Initializer::Constant(x)))
    }),
    ("DepthwiseConv1D", "bias_regularizer", |x| {
        Box::new(DepthwiseConv1D::new(3).bias_regularizer(L2(x)))
    }),
    ("DepthwiseConv1D", "activity_regularizer", |x| {
        Box::new(DepthwiseConv1D::new(3).activity_regularizer(L1(x)))
    }),
    ("DepthwiseConv2D", "depthwise_initializer", |x| {
        Box::new(DepthwiseConv2D::new(3).depthwise_initializer(Initializer::Constant(x)))
    }),
    ("DepthwiseConv2D", "depthwise_regularizer", |x| {
        Box::new(DepthwiseConv2D::new(3).depthwise_regularizer(L1(x)))
    }),
    ("DepthwiseConv2D", "bias_initializer", |x| {
        Box::new(DepthwiseConv2D::new(3).bias_initializer(Initializer::Constant(x)))
    }),
    ("DepthwiseConv2D", "bias_regularizer", |x| {
        Box::new(DepthwiseConv2D::new(3).bias_regularizer(L2(x)))
    }),
    ("DepthwiseConv2D", "activity_regularizer", |x| {
        Box::new(DepthwiseConv2D::new(3).activity_regularizer(L1(x)))
    }),
    ("SeparableConv1D", "depthwise_initializer", |x| {
        Box::new(SeparableConv1D::new(2, 3).depthwise_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv1D", "depthwise_regularizer", |x| {
        Box::new(SeparableConv1D::new(2, 3).depthwise_regularizer(L1(x)))
    }),
    ("SeparableConv1D", "pointwise_initializer", |x| {
        Box::new(SeparableConv1D::new(2, 3).pointwise_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv1D", "pointwise_regularizer", |x| {
        Box::new(SeparableConv1D::new(2, 3).pointwise_regularizer(L1(x)))
    }),
    ("SeparableConv1D", "bias_initializer", |x| {
        Box::new(SeparableConv1D::new(2, 3).bias_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv1D", "bias_regularizer", |x| {
        Box::new(SeparableConv1D::new(2, 3).bias_regularizer(L2(x)))
    }),
    ("SeparableConv1D", "activity_regularizer", |x| {
        Box::new(SeparableConv1D::new(2, 3).activity_regularizer(L1(x)))
    }),
    ("SeparableConv2D", "depthwise_initializer", |x| {
        Box::new(SeparableConv2D::new(2, 3).depthwise_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv2D", "depthwise_regularizer", |x| {
        Box::new(SeparableConv2D::new(2, 3).depthwise_regularizer(L1(x)))
    }),
    ("SeparableConv2D", "pointwise_initializer", |x| {
        Box::new(SeparableConv2D::new(2, 3).pointwise_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv2D", "pointwise_regularizer", |x| {
        Box::new(SeparableConv2D::new(2, 3).pointwise_regularizer(L1(x)))
    }),
    ("SeparableConv2D", "bias_initializer", |x| {
        Box::new(SeparableConv2D::new(2, 3).bias_initializer(Initializer::Constant(x)))
    }),
    ("SeparableConv2D", "bias_regularizer", |x| {
        Box::new(SeparableConv2D::new(2, 3).bias_regularizer(L2(x)))
    }),
    ("SeparableConv2D", "activity_regularizer", |x| {
        Box::new(SeparableConv2D::new(2, 3).activity_regularizer(L1(x)))
    }),
    ("ActivityRegularization", "l1", |x| {
        Box::new(ActivityRegularization::new().l1(x))
    }),
    ("ActivityRegularization", "l2", |x| {
        Box::new(ActivityRegularization::new().l2(x))
    }),
    ("AlphaDropout", "rate", |x| Box::new(AlphaDropout::new(x))),
    ("ELU", "alpha", |x| Box::new(ELU::new(x))),
    ("GaussianDropout", "rate", |x| {
        Box::new(GaussianDropout::new(x))
    }),
    ("GaussianNoise", "stddev", |x| {
        Box::new(GaussianNoise::new(x))
    }),
    ("GroupNormalization", "epsilon", |x| {
        Box::new(GroupNormalization::new(2).epsilon(x))
    }),
    ("GroupNormalization", "gamma_initializer", |x| {
        Box::new(GroupNormalization::new(2).gamma_initializer(Initializer::Constant(x)))
    }),
    ("GroupNormalization", "beta_initializer", |x| {
        Box::new(GroupNormalization::new(2).beta_initializer(Initializer::Constant(x)))
    }),
    ("GroupNormalization", "gamma_regularizer", |x| {
        Box::new(GroupNormalization::new(2).gamma_regularizer(L1(x)))
    }),
    ("GroupNormalization", "beta_regularizer", |x| {
        Box::new(GroupNormalization::new(2).beta_regularizer(L2(x)))
    }),
    ("LayerNormalization", "epsilon", |x| {
        Box::new(LayerNormalization::new().epsilon(x))
    }),
    ("LayerNormalization", "gamma_initializer", |x| {
        Box::new(LayerNormalization::new().gamma_initializer(Initializer::Constant(x)))
    }),
    ("LayerNormalization", "beta_initializer", |x| {
        Box::new(LayerNormalization::new().beta_initializer(Initializer::Constant(x)))
    }),
    ("LayerNormalization", "gamma_regularizer", |x| {
        Box::new(LayerNormalization::new().gamma_regularizer(L1(x)))
    }),
    ("LayerNormalization", "beta_regularizer", |x| {
        Box::new(LayerNormalization::new().beta_regularizer(L2(x)))
    }),
    ("LeakyReLU", "negative_slope", |x| {
        Box::new(LeakyReLU::new(x))
    }),
    ("Normalization", "mean", |x| {
        Box::new(Normalization::new().statistics(x, 1.0))
    }),
    ("Normalization", "mean", |x| {
        Box::new(Normalization::new().statistics(vec![0.0, x], 1.0))
    }),
    ("Normalization", "variance", |x| {
        Box::new(Normalization::new().statistics(0.0, x))
    }),
    ("PReLU", "alpha_initializer", |x| {
        Box::new(PReLU::new().alpha_initializer(Initializer::Constant(x)))
    }),
    ("PReLU", "alpha_regularizer", |x| {
        Box::new(PReLU::new().alpha_regularizer(L2(x)))
    }),
    ("RMSNormalization", "epsilon", |x| {
        Box::new(RMSNormalization::new().epsilon(x))
    }),
    ("ReLU", "max_value", |x| Box::new(ReLU::new().max_value(x))),
    ("ReLU", "negative_slope", |x| {
        Box::new(ReLU::new().negative_slope(x))
    }),
    ("ReLU", "threshold", |x| Box::new(ReLU::new().threshold(x))),
    ("Rescaling", "scale", |x| Box::new(Rescaling::new(x))),
    ("Rescaling", "offset", |x| {
        Box::new(Rescaling::new(1.0).offset(vec![x, 0.0]))
    }),
    ("SpatialDropout1D", "rate", |x| {
        Box::new(SpatialDropout1D::new(x))
    }),
    ("SpatialDropout2D", "rate", |x| {
        Box::new(SpatialDropout2D::new(x))
    }),
    ("EinsumDense", "kernel_regularizer", |x| {
        Box::new(einsum_dense(2).kernel_regularizer(L1(x)))
    }),
    ("EinsumDense", "activity_regularizer", |x| {
        Box::new(einsum_dense(2).activity_regularizer(L1(x)))
    }),
    ("RandomBrightness", "factor", |x| {
        Box::new(RandomBrightness::new(x))
    }),
    ("RandomBrightness", "factor", |x| {
        Box::new(RandomBrightness::new((0.5, x)))
    }),
    ("RandomBrightness", "value_range", |x| {
        Box::new(RandomBrightness::new(0.5).value_range(x, 1.0))
    }),
    ("RandomBrightness", "value_range", |x| {
        Box::new(RandomBrightness::new(0.5).value_range(0.0, x))
    }),
    ("RandomContrast", "factor", |x| {
        Box::new(RandomContrast::new(x))
    }),
    ("RandomContrast", "factor", |x| {
        Box::new(RandomContrast::new((0.5, x)))
    }),
    ("RandomContrast", "value_range", |x| {
        Box::new(RandomContrast::new(0.5).value_range(x, 1.0))
    }),
    ("RandomContrast", "value_range", |x| {
        Box::new(RandomContrast::new(0.5).value_range(0.0, x))
    }),
    ("RandomHue", "factor", |x| Box::new(RandomHue::new(x))),
    ("RandomHue", "factor", |x| {
        Box::new(RandomHue::new((0.5, x)))
    }),
    ("RandomHue", "value_range", |x| {
        Box::new(RandomHue::new(0.5).value_range(x, 1.0))
    }),
    ("RandomHue", "value_range", |x| {
        Box::new(RandomHue::new(0.5).value_range(0.0, x))
    }),
    ("RandomPosterization", "factor", |x| {
        Box::new(RandomPosterization::new(x))
    }),
    ("RandomPosterization", "factor", |x| {
        Box::new(RandomPosterization::new((0.5, x)))
    }),
    ("RandomPosterization", "value_range", |x| {
        Box::new(RandomPosterization::new(1.0).value_range(x, 1.0))
    }),
    ("RandomPosterization", "value_range", |x| {
        Box::new(RandomPosterization::new(1.0).value_range(0.0, x))
    }),
    ("RandomSaturation", "factor", |x| {
        Box::new(RandomSaturation::new(x))
    }),
    ("RandomSaturation", "factor", |x| {
        Box::new(RandomSaturation::new((0.5, x)))
    }),
    ("RandomSaturation", "value_range", |x| {
        Box::new(RandomSaturation::new(0.5).value_range(x, 1.0))
    }),
    ("RandomSaturation", "value_range", |x| {
        Box::new(RandomSaturation::new(0.5).value_range(0.0, x))
    }),
    ("RandomSharpness", "factor", |x| {
        Box::new(RandomSharpness::new(x))
    }),
    ("RandomSharpness", "factor", |x| {
        Box::new(RandomSharpness::new((0.5, x)))
    }),
    ("RandomSharpness", "value_range", |x| {
        Box::new(RandomSharpness::new(0.5).value_range(x, 1.0))
    }),
    ("RandomSharpness", "value_range", |x| {
        Box::new(RandomSharpness::new(0.5).value_range(0.0, x))
    }),
    ("RandomErasing", "factor", |x| {
        Box::new(RandomErasing::new().factor(x))
    }),
    ("RandomErasing", "value_range", |x| {
        Box::new(RandomErasing::new().value_range(x, 1.0))
    }),
    ("RandomErasing", "value_range", |x| {
        Box::new(RandomErasing::new().value_range(0.0, x))
    }),
    ("RandomGaussianBlur", "factor", |x| {
        Box::new(RandomGaussianBlur::new().factor(x))
    }),
    ("RandomGaussianBlur", "value_range", |x| {
        Box::new(RandomGaussianBlur::new().value_range(x, 1.0))
    }),
    ("RandomGaussianBlur", "value_range", |x| {
        Box::new(RandomGaussianBlur::new().value_range(0.0, x))
    }),
    ("RandomInvert", "factor", |x| {
        Box::new(RandomInvert::new().factor(x))
    }),
    ("RandomInvert", "value_range", |x| {
        Box::new(RandomInvert::new().value_range(x, 1.0))
    }),
    ("RandomInvert", "value_range", |x| {
        Box::new(RandomInvert::new().value_range(0.0, x))
    }),
    ("RandomErasing", "scale", |x| {
        Box::new(RandomErasing::new().scale(x))
    }),
    ("RandomErasing", "fill_value", |x| {
        Box::new(RandomErasing::new().fill_value(x))
    }),
    ("RandomGaussianBlur", "sigma", |x| {
        Box::new(RandomGaussianBlur::new().sigma(x))
    }),
    ("RandomGrayscale", "factor", |x| {
        Box::new(RandomGrayscale::new().factor(x))
    }),
    ("RandomRotation", "factor", |x| {
        Box::new(RandomRotation::new(x))
    }),
    ("RandomRotation", "fill_value", |x| {
        Box::new(RandomRotation::new(0.1).fill_value(x))
    }),
    ("RandomTranslation", "height_factor", |x| {
        Box::new(RandomTranslation::new(x, 0.1))
    }),
    ("RandomTranslation", "width_factor", |x| {
        Box::new(RandomTranslation::new(0.1, (x, 0.5)))
    }),
    ("RandomTranslation", "fill_value", |x| {
        Box::new(RandomTranslation::new(0.1, 0.1).fill_value(x))
    }),
    ("RandomZoom", "height_factor", |x| {
        Box::new(RandomZoom::new(x))
    }),
    ("RandomZoom", "width_factor", |x| {
        Box::new(RandomZoom::new(0.1).width_factor(x))
    }),
    ("RandomZoom", "fill_value", |x| {
        Box::new(RandomZoom::new(0.1).fill_value(x))
    }),
    ("RandomShear", "x_factor", |x| {
        Box::new(RandomShear::new().x_factor(x))
    }),
    ("RandomShear", "y_factor", |x| {
        Box::new(RandomShear::new().y_factor((x, 0.5)))
    }),
    ("RandomShear", "fill_value", |x| {
        Box::new(RandomShear::new().fill_value(x))
    }),
    ("Solarization", "addition_factor", |x| {
        Box::new(Solarization::new().addition_factor(x))
    }),
    ("Solarization", "threshold_factor", |x| {
        Box::new(Solarization::new().threshold_factor(x))
    }),
    ("Resizing", "fill_value", |x| {
        Box::new(Resizing::new(4, 2).pad_to_aspect_ratio(true).fill_value(x))
    }),
    ("Discretization", "bin_boundaries", |x| {
        Box::new(Discretization::new(vec![x]))
    }),
    ("Discretization", "epsilon", |x| {
        Box::new(Discretization {
            epsilon: x,
            ..Discretization::new(vec![0.0])
        })
    }),
    ("Solarization", "value_range", |x| {
        Box::new(Solarization::new().value_range(x, 1.0))
    }),
    ("Solarization", "value_range", |x| {
        Box::new(Solarization::new().value_range(0.0, x))
    }),
    ("RandomColorJitter", "value_range", |x| {
        Box::new(RandomColorJitter::new().value_range(x, 1.0))
    }),
    ("RandomColorJitter", "value_range", |x| {
        Box::new(RandomColorJitter::new().value_range(0.0, x))
    }),
    ("RandomColorJitter", "brightness_factor", |x| {
        Box::new(RandomColorJitter::new().brightness_factor(x))
    }),
    ("RandomColorJitter", "contrast_factor", |x| {
        Box::new(RandomColorJitter::new().contrast_factor(x))
    }),
    ("RandomColorJitter", "saturation_factor", |x| {
        Box::new(RandomColorJitter::new().saturation_factor(x))
    }),
    ("RandomColorJitter", "hue_factor", |x| {
        Box::new(RandomColorJitter::new().hue_factor(x))
    }),
    ("SimpleRNN", "dropout", |x| {
        Box::new(SimpleRNN::new(2).dropout(x))
    }),
    ("SimpleRNN", "recurrent_dropout", |x| {
        Box::new(SimpleRNN::new(2).recurrent_dropout(x))
    }),
    ("SimpleRNN", "kernel_initializer", |x| {
        Box::new(SimpleRNN::new(2).kernel_initializer(Initializer::Constant(x)))
    }),
    ("SimpleRNN", "kernel_regularizer", |x| {
        Box::new(SimpleRNN::new(2).kernel_regularizer(L1(x)))
    }),
    ("SimpleRNN", "recurrent_initializer", |x| {
        Box::new(SimpleRNN::new(2).recurrent_initializer(Initializer::Constant(x)))
    }),
    ("SimpleRNN", "recurrent_regularizer", |x| {
        Box::new(SimpleRNN::new(2).recurrent_regularizer(L1(x)))
    }),
    ("SimpleRNN", "bias_initializer", |x| {
        Box::new(SimpleRNN::new(2).bias_initializer(Initializer::Constant(x)))
    }),
    ("SimpleRNN", "bias_regularizer", |x| {
        Box::new(SimpleRNN::new(2).bias_regularizer(L1(x)))
    }),
    ("SimpleRNN", "activity_regularizer", |x| {
        Box::new(SimpleRNN::new(2).activity_regularizer(L2(x)))
    }),
    ("LSTM", "dropout", |x| Box::new(LSTM::new(2).dropout(x))),
    ("LSTM", "recurrent_dropout", |x| {
        Box::new(LSTM::new(2).recurrent_dropout(x))
    }),
    ("LSTM", "kernel_initializer", |x| {
        Box::new(LSTM::new(2).kernel_initializer(Initializer::Constant(x)))
    }),
    ("LSTM", "kernel_regularizer", |x| {
        Box::new(LSTM::new(2).kernel_regularizer(L1(x)))
    }),
    ("LSTM", "recurrent_initializer", |x| {
        Box::new(LSTM::new(2).recurrent_initializer(Initializer::Constant(x)))
    }),
    ("LSTM", "recurrent_regularizer", |x| {
        Box::new(LSTM::new(2).recurrent_regularizer(L1(x)))
    }),
    ("LSTM", "bias_initializer", |x| {
        Box::new(LSTM::new(2).bias_initializer(Initializer::Constant(x)))
    }),
    ("LSTM", "bias_regularizer", |x| {
        Box::new(LSTM::new(2).bias_regularizer(L1(x)))
    }),
    ("LSTM", "activity_regularizer", |x| {
        Box::new(LSTM::new(2).activity_regularizer(L2(x)))
    }),
    ("GRU", "dropout", |x| Box::new(GRU::new(2).dropout(x))),
    ("GRU", "recurrent_dropout", |x| {
        Box::new(GRU::new(2).recurrent_dropout(x))
    }),
    ("GRU", "kernel_initializer", |x| {
        Box::new(GRU::new(2).kernel_initializer(Initializer::Constant(x)))
    }),
    ("GRU", "kernel_regularizer", |x| {
        Box::new(GRU::new(2).kernel_regularizer(L1(x)))
    }),
    ("GRU", "recurrent_initializer", |x| {
        Box::new(GRU::new(2).recurrent_initializer(Initializer::Constant(x)))
    }),
    ("GRU", "recurrent_regularizer", |x| {
        Box::new(GRU::new(2).recurrent_regularizer(L1(x)))
    }),
    ("GRU", "bias_initializer", |x| {
        Box::new(GRU::new(2).bias_initializer(Initializer::Constant(x)))
    }),
    ("GRU", "bias_regularizer", |x| {
        Box::new(GRU::new(2).bias_regularizer(L1(x)))
    }),
    ("GRU", "activity_regularizer", |x| {
        Box::new(GRU::new(2).activity_regularizer(L2(x)))
    }),
    ("Embedding", "embeddings_initializer", |x| {
        Box::new(Embedding::new(3, 2).embeddings_initializer(Initializer::Constant(x)))
    }),
    ("Embedding", "embeddings_regularizer", |x| {
        Box::new(Embedding::new(3, 2).embeddings_regularizer(L1(x)))
    }),
    ("Embedding", "activity_regularizer", |x| {
        Box::new(Embedding::new(3, 2).activity_regularizer(L1(x)))
    }),
    ("Masking", "mask_value", |x| Box::new(Masking::new(x))),
];

/// Of these a number below 0 makes sense.
const SIGNED: &[(&str, &str)] = &[
    ("ELU", "alpha"),
    ("Masking", "mask_value"),
    ("Normalization", "mean"),
    ("Rescaling", "scale"),
    ("Rescaling", "offset"),
];

const OF_SIZES: &[(&str, &str, OfSize)] = &[
    ("SimpleRNN", "units", |n| Box::new(SimpleRNN::new(n))),
    ("LSTM", "units", |n| Box::new(LSTM::new(n))),
    ("GRU", "units", |n| Box::new(GRU::new(n))),
    ("Embedding", "input_dim", |n| Box::new(Embedding::new(n, 2))),
    ("Embedding", "output_dim", |n| {
        Box::new(Embedding::new(3, n))
    }),
    ("EinsumDense", "output_shape", |n| Box::new(einsum_dense(n))),
    ("Dense", "units", |n| Box::new(Dense::new(n))),
    ("Conv2D", "filters", |n| Box::new(Conv2D::new(n, 3))),
    ("Conv2D", "kernel_size", |n| Box::new(Conv2D::new(1, n))),
    ("Conv2D", "kernel_size", |n| {
        Box::new(Conv2D::new(1, [n, 1]).padding(Padding::Same))
    }),
    ("Conv2D", "strides", |n| Box::new(conv().strides(n))),
    ("Conv2D", "strides", |n| {
        Box::new(
            conv()
                .strides([1, n])
                .padding(Padding::Same)
                .activation(Relu),
        )
    }),
    ("Conv2D", "dilation_rate", |n| {
        Box::new(conv().dilation_rate(n))
    }),
    ("Conv2D", "dilation_rate", |n| {
        Box::new(conv().dilation_rate(n).padding(Padding::Same))
    }),
    ("Conv2D", "dilation_rate", |n| {
        Box::new(Conv2D::new(2, 4).dilation_rate(n).padding(Padding::Same))
    }),
    ("Conv2D", "groups", |n| Box::new(conv().groups(n))),
    ("MaxPooling2D", "pool_size", |n| {
        Box::new(MaxPooling2D::new(n))
    }),
    ("MaxPooling2D", "pool_size", |n| {
        Box::new(MaxPooling2D::new(n).padding(Padding::Same))
    }),
    ("MaxPooling2D", "pool_size", |n| {
        Box::new(MaxPooling2D::new([n, 2]).strides(1).padding(Padding::Same))
    }),
    ("MaxPooling2D", "strides", |n| {
        Box::new(MaxPooling2D::new(2).strides(n))
    }),
    ("AveragePooling2D", "pool_size", |n| {
        Box::new(AveragePooling2D::new(n).strides(1).padding(Padding::Same))
    }),
    ("AveragePooling2D", "strides", |n| {
        Box::new(AveragePooling2D::new(2).strides(n).padding(Padding::Same))
    }),
    ("MaxPooling1D", "pool_size", |n| {
        Box::new(MaxPooling1D::new(n).padding(Padding::Same))
    }),
    ("MaxPooling1D", "strides", |n| {
        Box::new(MaxPooling1D::new(2).strides(n).padding(Padding::Same))
    }),
    ("Conv1D", "filters", |n| Box::new(Conv1D::new(n, 3))),
    ("Conv1D", "kernel_size", |n| {
        Box::new(Conv1D::new(2, n).padding(Padding::Same))
    }),
    ("Conv1D", "strides", |n| {
        Box::new(Conv1D::new(2, 3).strides(n))
    }),
    ("Conv1D", "strides", |n| {
        Box::new(Conv1D::new(2, 3).strides(n).padding(Padding::Same))
    }),
    ("Conv1D", "dilation_rate", |n| {
        Box::new(Conv1D::new(2, 3).dilation_rate(n))
    }),
    ("Conv1D", "dilation_rate", |n| {
        Box::new(Conv1D::new(2, 3).dilation_rate(n).padding(Padding::Same))
    }),
    ("Conv1D", "groups", |n| {
        Box::new(Conv1D::new(2, 3).groups(n))
    }),
    ("Conv1D", "dilation_rate", |n| {
        Box::new(Conv1D::new(2, 3).dilation_rate(n).padding(Padding::Causal))
    }),
    ("Conv1DTranspose", "filters", |n| {
        Box::new(Conv1DTranspose::new(n, 3))
    }),
    ("Conv1DTranspose", "kernel_size", |n| {
        Box::new(Conv1DTranspose::new(2, n).padding(Padding::Same))
    }),
    ("Conv1DTranspose", "strides", |n| {
        Box::new(Conv1DTranspose::new(2, 3).strides(n))
    }),
    ("Conv1DTranspose", "strides", |n| {
        Box::new(Conv1DTranspose::new(2, 3).strides(n).padding(Padding::Same))
    }),
    ("Conv1DTranspose", "dilation_rate", |n| {
        Box::new(Conv1DTranspose::new(2, 3).dilation_rate(n))
    }),
    ("Conv1DTranspose", "dilation_rate", |n| {
        Box::new(
            Conv1DTranspose::new(2, 3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("Conv1DTranspose", "output_padding", |n| {
        Box::new(Conv1DTranspose::new(2, 3).strides(3).output_padding(n))
    }),
    ("Conv2DTranspose", "filters", |n| {
        Box::new(Conv2DTranspose::new(n, 3))
    }),
    ("Conv2DTranspose", "kernel_size", |n| {
        Box::new(Conv2DTranspose::new(2, n).padding(Padding::Same))
    }),
    ("Conv2DTranspose", "strides", |n| {
        Box::new(Conv2DTranspose::new(2, 3).strides(n))
    }),
    ("Conv2DTranspose", "strides", |n| {
        Box::new(Conv2DTranspose::new(2, 3).strides(n).padding(Padding::Same))
    }),
    ("Conv2DTranspose", "dilation_rate", |n| {
        Box::new(Conv2DTranspose::new(2, 3).dilation_rate(n))
    }),
    ("Conv2DTranspose", "dilation_rate", |n| {
        Box::new(
            Conv2DTranspose::new(2, 3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("Conv2DTranspose", "output_padding", |n| {
        Box::new(Conv2DTranspose::new(2, 3).strides(3).output_padding(n))
    }),
    ("DepthwiseConv1D", "kernel_size", |n| {
        Box::new(DepthwiseConv1D::new(n).padding(Padding::Same))
    }),
    ("DepthwiseConv1D", "strides", |n| {
        Box::new(DepthwiseConv1D::new(3).strides(n))
    }),
    ("DepthwiseConv1D", "strides", |n| {
        Box::new(DepthwiseConv1D::new(3).strides(n).padding(Padding::Same))
    }),
    ("DepthwiseConv1D", "dilation_rate", |n| {
        Box::new(DepthwiseConv1D::new(3).dilation_rate(n))
    }),
    ("DepthwiseConv1D", "dilation_rate", |n| {
        Box::new(
            DepthwiseConv1D::new(3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("DepthwiseConv1D", "depth_multiplier", |n| {
        Box::new(DepthwiseConv1D::new(3).depth_multiplier(n))
    }),
    ("DepthwiseConv2D", "kernel_size", |n| {
        Box::new(DepthwiseConv2D::new(n).padding(Padding::Same))
    }),
    ("DepthwiseConv2D", "strides", |n| {
        Box::new(DepthwiseConv2D::new(3).strides(n))
    }),
    ("DepthwiseConv2D", "strides", |n| {
        Box::new(DepthwiseConv2D::new(3).strides(n).padding(Padding::Same))
    }),
    ("DepthwiseConv2D", "dilation_rate", |n| {
        Box::new(DepthwiseConv2D::new(3).dilation_rate(n))
    }),
    ("DepthwiseConv2D", "dilation_rate", |n| {
        Box::new(
            DepthwiseConv2D::new(3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("DepthwiseConv2D", "depth_multiplier", |n| {
        Box::new(DepthwiseConv2D::new(3).depth_multiplier(n))
    }),
    ("SeparableConv1D", "filters", |n| {
        Box::new(SeparableConv1D::new(n, 3))
    }),
    ("SeparableConv1D", "kernel_size", |n| {
        Box::new(SeparableConv1D::new(2, n).padding(Padding::Same))
    }),
    ("SeparableConv1D", "strides", |n| {
        Box::new(SeparableConv1D::new(2, 3).strides(n))
    }),
    ("SeparableConv1D", "strides", |n| {
        Box::new(SeparableConv1D::new(2, 3).strides(n).padding(Padding::Same))
    }),
    ("SeparableConv1D", "dilation_rate", |n| {
        Box::new(SeparableConv1D::new(2, 3).dilation_rate(n))
    }),
    ("SeparableConv1D", "dilation_rate", |n| {
        Box::new(
            SeparableConv1D::new(2, 3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("SeparableConv1D", "depth_multiplier", |n| {
        Box::new(SeparableConv1D::new(2, 3).depth_multiplier(n))
    }),
    ("SeparableConv2D", "filters", |n| {
        Box::new(SeparableConv2D::new(n, 3))
    }),
    ("SeparableConv2D", "kernel_size", |n| {
        Box::new(SeparableConv2D::new(2, n).padding(Padding::Same))
    }),
    ("SeparableConv2D", "strides", |n| {
        Box::new(SeparableConv2D::new(2, 3).strides(n))
    }),
    ("SeparableConv2D", "strides", |n| {
        Box::new(SeparableConv2D::new(2, 3).strides(n).padding(Padding::Same))
    }),
    ("SeparableConv2D", "dilation_rate", |n| {
        Box::new(SeparableConv2D::new(2, 3).dilation_rate(n))
    }),
    ("SeparableConv2D", "dilation_rate", |n| {
        Box::new(
            SeparableConv2D::new(2, 3)
                .dilation_rate(n)
                .padding(Padding::Same),
        )
    }),
    ("SeparableConv2D", "depth_multiplier", |n| {
        Box::new(SeparableConv2D::new(2, 3).depth_multiplier(n))
    }),
    ("AveragePooling1D", "pool_size", |n| {
        Box::new(AveragePooling1D::new(n).padding(Padding::Same))
    }),
    ("AveragePooling1D", "strides", |n| {
        Box::new(AveragePooling1D::new(2).strides(n))
    }),
    ("AdaptiveAveragePooling1D", "output_size", |n| {
        Box::new(AdaptiveAveragePooling1D::new(n))
    }),
    ("AdaptiveAveragePooling2D", "output_size", |n| {
        Box::new(AdaptiveAveragePooling2D::new(n))
    }),
    ("AdaptiveMaxPooling1D", "output_size", |n| {
        Box::new(AdaptiveMaxPooling1D::new(n))
    }),
    ("AdaptiveMaxPooling2D", "output_size", |n| {
        Box::new(AdaptiveMaxPooling2D::new(n))
    }),
    ("Reshape", "target_shape", |n| {
        Box::new(Reshape::new([n as i64, -1]))
    }),
    ("Reshape", "target_shape", |n| {
        Box::new(Reshape::new([n as i64, i64::MAX]))
    }),
    ("InputLayer", "shape", |n| Box::new(Input::new([n]))),
    ("Cropping1D", "cropping", |n| Box::new(Cropping1D::new(n))),
    ("Cropping1D", "cropping", |n| {
        Box::new(Cropping1D::new([0, n]))
    }),
    ("Cropping2D", "cropping", |n| Box::new(Cropping2D::new(n))),
    ("Cropping2D", "cropping", |n| {
        Box::new(Cropping2D::new([[0, 1], [n, 1]]))
    }),
    ("GroupNormalization", "groups", |n| {
        Box::new(GroupNormalization::new(n as i64))
    }),
    ("GroupNormalization", "axis", |n| {
        Box::new(GroupNormalization::new(1).axis(n as i64))
    }),
    ("LayerNormalization", "axis", |n| {
        Box::new(LayerNormalization::new().axis(n as i64))
    }),
    ("LayerNormalization", "axis", |n| {
        Box::new(LayerNormalization::new().axis([2, n as i64]))
    }),
    ("Normalization", "axis", |n| {
        Box::new(Normalization::new().axis([n as i64, 2]))
    }),
    ("PReLU", "shared_axes", |n| {
        Box::new(PReLU::new().shared_axes([1, n]))
    }),
    ("Permute", "dims", |n| Box::new(Permute::new([n, 2, 3]))),
    ("RMSNormalization", "axis", |n| {
        Box::new(RMSNormalization::new().axis(n as i64))
    }),
    ("RepeatVector", "n", |n| Box::new(RepeatVector::new(n))),
    ("Softmax", "axis", |n| {
        Box::new(Softmax::new().axis(n as i64))
    }),
    ("UnitNormalization", "axis", |n| {
        Box::new(UnitNormalization::new().axis([n as i64, 2]))
    }),
    ("UpSampling1D", "size", |n| Box::new(UpSampling1D::new(n))),
    ("UpSampling2D", "size", |n| Box::new(UpSampling2D::new(n))),
    ("UpSampling2D", "size", |n| {
        let layer = UpSampling2D::new([n, 1]);
        Box::new(layer.interpolation(Interpolation::Bilinear))
    }),
    ("ZeroPadding1D", "padding", |n| {
        Box::new(ZeroPadding1D::new(n))
    }),
    ("ZeroPadding1D", "padding", |n| {
        Box::new(ZeroPadding1D::new([n, 0]))
    }),
    ("ZeroPadding2D", "padding", |n| {
        Box::new(ZeroPadding2D::new(n))
    }),
    ("ZeroPadding2D", "padding", |n| {
        Box::new(ZeroPadding2D::new([[0, n], [1, 1]]))
    }),
    ("RandomCrop", "height", |n| Box::new(RandomCrop::new(n, 3))),
    ("RandomCrop", "width", |n| Box::new(RandomCrop::new(3, n))),
    ("CenterCrop", "height", |n| Box::new(CenterCrop::new(n, 3))),
    ("CenterCrop", "width", |n| Box::new(CenterCrop::new(3, n))),
    ("Resizing", "height", |n| Box::new(Resizing::new(n, 3))),
    ("Resizing", "width", |n| Box::new(Resizing::new(3, n))),
    ("RandomGaussianBlur", "kernel_size", |n| {
        Box::new(RandomGaussianBlur::new().kernel_size(n))
    }),
    ("RandomGaussianBlur", "kernel_size", |n| {
        Box::new(RandomGaussianBlur::new().kernel_size([1, n]))
    }),
    ("CategoryEncoding", "num_tokens", |n| {
        Box::new(CategoryEncoding::new(n))
    }),
    ("Resizing", "height", |n| {
        Box::new(Resizing::new(n, 3).pad_to_aspect_ratio(true))
    }),
];

#[test]
fn builders_are_refused_by_name_or_work() {
    let numbers_and_sizes = OF_NUMBERS.iter().flat_map(|&(class, setting, set)| {
        NUMBERS.map(|x| (class, setting, x.to_string(), set(x)))
    });
    let sizes = OF_SIZES
        .iter()
        .flat_map(|&(class, setting, set)| SIZES.map(|n| (class, setting, n.to_string(), set(n))));
    for (class_name, setting, value, layer) in numbers_and_sizes.chain(sizes) {
        assert_eq!(layer.class_name(), class_name);
        let told = format!("{class_name} {setting} = {value}");
        let input = match class_name {
            "RepeatVector" => &IMAGE[2..],
            "CategoryEncoding" | "Discretization" => &IMAGE[..1],
            "RandomColorJitter" | "RandomGrayscale" | "RandomHue" | "RandomSaturation" => {
                &[8, 8, 3]
            }
            "SimpleRNN" | "LSTM" | "GRU" | "Masking" => &IMAGE[1..],
            "Embedding" => &IMAGE[..1],
            name if name.contains("1D") => &IMAGE[1..],
            _ => &IMAGE[..],
        };
        let model = || Sequential::new(input).add_boxed(layer).build(Seed(1));
        let result = within_bounds(&told, || use_model(model()));
        match result {
            Ok(()) => {
                // First values may be below 0, and pixels, and what goes either way.
                let signed = [
                    "initializer",
                    "factor",
                    "fill_value",
                    "value_range",
                    "bin_boundaries",
                ];
                let signed = signed.iter().any(|kind| setting.ends_with(kind))
                    || SIGNED.contains(&(class_name, setting));
                assert!(!["NaN", "inf", "-inf"].contains(&&*value), "{told}");
                assert!(signed || !value.starts_with('-') || value == "-0", "{told}");
            }
            Err(error) => {
                let message = error.to_string();
                let begins = message.contains(setting) && message.contains("(layer 0): ");
                assert!(begins, "{told}: {message}");
            }
        }
    }
    // A layer or a setting that is added must come into the lists. What a wrapper holds has its own settings.
    let wraps = ["Bidirectional", "RNN", "TimeDistributed"];
    for row in layers::all::<f32>() {
        if wraps.contains(&row.class_name) {
            continue;
        }
        for case in 0..20 {
            let config = (row.sample)(&mut Sampler::new(9, case)).layer.config();
            for place in numbers(&config) {
                let setting = words(&place).next().unwrap();
                let known = |class: &str, name: &str| class == row.class_name && name == setting;
                let drawn = OF_NUMBERS.iter().any(|(c, s, _)| known(c, s))
                    || OF_SIZES.iter().any(|(c, s, _)| known(c, s));
                assert!(drawn, "{}{place} is not drawn", row.class_name);
            }
        }
    }
}

/// Layers that fit one by one, and together are more than memory.
#[test]
fn weights_that_are_too_many_together_are_refused() {
    let mut model = Sequential::new([1 << 15]);
    for _ in 0..5 {
        model = model.add(Dense::new(1 << 15));
    }
    let error = within_bounds("five", || model.build(Seed(1)).map(drop))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("dense_1/kernel [32768, 32768]") && error.contains("2147483648"),
        "{error}"
    );
    let input = Sequential::<f32>::new([1 << 40])
        .add(Flatten)
        .build(Seed(1))
        .unwrap_err();
    assert!(input.to_string().contains("1099511627776"), "{input}");
}

/// Penalties and first values are looked at wherever a layer comes from.
#[test]
fn weights_of_a_users_own_layer_are_checked() {
    use taper_autograd::Var;
    use taper_nn::{Context, Describe, WeightSpec};
    use taper_tensor::Element;

    #[derive(Debug)]
    struct Own(Initializer, f64);
    impl Describe for Own {
        fn class_name(&self) -> &'static str {
            "Own"
        }
        fn config(&self) -> Value {
            json!({})
        }
        fn output_shape(&self, input: &[usize]) -> taper_nn::Result<Vec<usize>> {
            Ok(input.to_vec())
        }
        fn weights(&self, _: &[usize]) -> taper_nn::Result<Vec<WeightSpec>> {
            let regularizer = Some(L1(self.1).into());
            Ok(vec![WeightSpec {
                name: "scale".into(),
                shape: vec![1],
                initializer: self.0,
                regularizer,
                trainable: true,
            }])
        }
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }
    impl<E: Element> Layer<E> for Own {
        fn forward(
            &self,
            x: &Var<E>,
            w: &[Var<E>],
            _: &mut Context<E>,
        ) -> taper_nn::Result<Var<E>> {
            Ok(x.mul(&w[0])?)
        }
    }
    let build = |layer: Own| Sequential::new([2]).add(layer).build(Seed(1));
    assert!(build(Own(Initializer::Constant(2.0), 0.1)).is_ok());
    for (layer, part) in [
        (
            Own(Initializer::Constant(f64::NAN), 0.1),
            "own (layer 0): scale_initializer: constant is NaN",
        ),
        (
            Own(Initializer::Ones, -1.0),
            "own (layer 0): scale_regularizer: l1 is -1.0",
        ),
    ] {
        let error = build(layer).unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
    }
}
