//! A prepared model predicts what the model predicts: over random nets, layers, batches, and numbers of threads.

use super::*;
use crate::junctions::{Add, Concatenate};
use crate::layers::{
    self, Activation, BatchNormalization, Conv1D, Conv2D, Conv2DTranspose, Dense, DepthwiseConv1D,
    DepthwiseConv2D, Dropout, Flatten, MaxPooling2D, Reshape, SeparableConv2D,
};
use crate::{
    ActivationKind, BinaryCrossentropy, CategoricalCrossentropy, Context, Describe,
    DescribeJunction, Junction, Layer, Loss, MeanSquaredError, Padding, Relu, Seed, Sequential,
    Sigmoid, Softmax,
};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Stream;

/// A layer that no step knows: x·|x|.
#[derive(Debug)]
struct Odd;

impl Describe for Odd {
    fn class_name(&self) -> &'static str {
        "Odd"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({})
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Layer for Odd {
    fn forward(&self, x: &Var, _: &[Var], _: &mut Context) -> Result<Var> {
        Ok(x.mul(&x.abs())?)
    }
}

/// The model with weights that leave nothing at zero.
fn with_weights(mut model: Model, case: u64) -> Model {
    for (i, parameter) in model.parameters_mut().iter_mut().enumerate() {
        let key = Seed(case).key(Stream::User(3), i as u64);
        let shape = parameter.value.shape();
        parameter.value = if parameter.name.ends_with("variance") {
            Tensor::uniform(shape, 0.5, 2.0, key)
        } else {
            Tensor::normal(shape, 0.1, 0.4, key)
        };
    }
    model
}

fn batch(model: &Model, samples: usize, case: u64) -> Tensor {
    let shape = [&[samples], model.input_shape()].concat();
    Tensor::normal(shape, 0.0, 1.0, Seed(case).key(Stream::User(4), 0)).relu()
}

fn assert_predicts_the_same(model: &Model, max_batch: usize, samples: usize, what: &str) {
    let x = batch(model, samples, 5);
    let wanted = model.predict(&x).unwrap();
    let found = model.prepare(max_batch).unwrap().predict(&x).unwrap();
    assert_eq!(found.shape(), wanted.shape(), "{what}");
    let largest = wanted.to_vec().iter().fold(1.0f32, |m, x| m.max(x.abs()));
    let difference = found.max_abs_difference(&wanted).unwrap();
    assert!(
        difference <= 1e-5 * f64::from(largest),
        "{what}: {difference} apart, {samples} samples"
    );
}

/// A random layer for samples of this shape.
fn random_layer(sampler: &mut Sampler, shape: &[usize]) -> Box<dyn Layer> {
    let activation = ActivationKind::drawn(sampler);
    let conv = Conv2D::new(2 * sampler.integer(1, 9), sampler.integer(1, 3))
        .padding(sampler.one_of(&[Padding::Valid, Padding::Same]))
        .strides(sampler.one_of(&[1, 1, 2]))
        .groups(sampler.one_of(&[1, 1, 2]))
        .use_bias(sampler.coin())
        .activation(sampler.one_of(&[Relu, ActivationKind::Linear, activation]));
    match sampler.integer(0, 10) {
        0..=3 if shape.len() == 3 => Box::new(conv),
        4 | 5 if shape.len() == 3 => Box::new(MaxPooling2D::new(sampler.one_of(&[2, 2, 3]))),
        0..=2 => Box::new(Dense::new(sampler.integer(1, 40)).activation(activation)),
        3 => Box::new(Flatten),
        4 | 5 => Box::new(Reshape::new([-1])),
        6 => Box::new(Activation::new(activation)),
        7 => Box::new(Dropout::new(0.5)),
        8 => Box::new(Odd),
        _ => Box::new(
            BatchNormalization::new()
                .scale(sampler.coin())
                .center(sampler.coin()),
        ),
    }
}

fn random_model(case: u64) -> Model {
    let mut sampler = Sampler::new(71, case);
    let side = sampler.integer(5, 14);
    let mut shape = vec![
        side,
        side + sampler.integer(0, 3),
        2 * sampler.integer(1, 3),
    ];
    let mut model = Sequential::new(shape.clone());
    for _ in 0..sampler.integer(0, 9) {
        let layer = random_layer(&mut sampler, &shape);
        if let Ok(output) = layer.output_shape(&shape) {
            shape = output;
            model = model.add_boxed(layer);
        }
    }
    with_weights(model.build(Seed(case)).unwrap(), case)
}

#[test]
fn no_file_is_missing_from_the_table() {
    let rows: Vec<_> = steps::all().iter().map(|row| row.file).collect();
    crate::testing::assert_complete("inference/steps", &rows);
}

#[test]
fn random_nets() {
    for case in 0..300 {
        let model = random_model(case);
        let mut sampler = Sampler::new(72, case);
        let (most, samples) = (sampler.integer(1, 40), sampler.integer(0, 40));
        let what = format!("case {case}: {:?}", model);
        assert_predicts_the_same(&model, most, samples, &what);
    }
}

#[test]
fn every_kind_of_layer_by_itself() {
    for row in layers::all::<f32>() {
        for case in 0..30 {
            let sample = (row.sample)(&mut Sampler::new(73, case));
            // Its inputs are no random numbers: `tests/recurrent.rs` predicts with one.
            if sample.layer.indices().is_some() {
                continue;
            }
            let what = format!("{:?}", sample.layer);
            let model = Sequential::new(sample.input).add_boxed(sample.layer);
            let model = with_weights(model.build(Seed(case)).unwrap(), case);
            for samples in [1, 5] {
                assert_predicts_the_same(&model, 3, samples, &what);
            }
        }
    }
}

#[test]
fn convolutions_take_in_what_follows_them() {
    let layers: [(Box<dyn Layer>, &[usize]); 5] = [
        (Box::new(Conv1D::new(6, 3)), &[40, 5]),
        (
            Box::new(DepthwiseConv1D::new(3).depth_multiplier(2)),
            &[40, 5],
        ),
        (Box::new(DepthwiseConv2D::new(3)), &[40, 40, 24]),
        (Box::new(SeparableConv2D::new(48, 3)), &[40, 40, 24]),
        (Box::new(Conv2DTranspose::new(6, 3).strides(2)), &[9, 9, 5]),
    ];
    for (layer, input) in layers {
        let what = format!("{layer:?}");
        let model = Sequential::new(input)
            .add_boxed(layer)
            .add(BatchNormalization::new())
            .add(Activation::new(Relu));
        let model = with_weights(model.build(Seed(8)).unwrap(), 8);
        assert_eq!(model.prepare(1).unwrap().steps().len(), 1, "{what}");
        for samples in [1, 5, 17] {
            assert_predicts_the_same(&model, 8, samples, &what);
        }
    }
}

/// Large enough for every kind of cut.
fn large() -> Model {
    let model = Sequential::new([28, 28, 1])
        .add(Conv2D::new(32, 3).activation(Relu))
        .add(Dropout::new(0.5))
        .add(Conv2D::new(64, 3))
        .add(BatchNormalization::new())
        .add(Activation::new(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(100).activation(Relu))
        .add(Dense::new(10).activation(Softmax));
    model.build(Seed(3)).unwrap()
}

#[test]
fn a_large_net_at_many_batch_sizes() {
    let model = large();
    for samples in [1, 2, 3, 4, 7, 9, 33] {
        assert_predicts_the_same(&model, 32, samples, "the large net");
    }
}

/// Large enough for every kind of cut: two inputs, a residual block whose inner value is an output and is read on, a
/// junction of no known kind in the midst, what stands in front of it read behind it, and a Dense layer of whole batches.
fn large_graph() -> Model {
    let mut net = crate::Functional::new();
    let conv = || Conv2D::new(16, 3).padding(Padding::Same);
    let (a, b) = (net.input("a", [14, 14, 16]), net.input("b", [14, 14, 16]));
    let x = net.apply(conv().activation(Relu), a);
    let y = net.apply(conv(), x);
    let sum = net.join(Add::new(), &[x, y, b]);
    let block = net.apply(Activation::new(Relu), sum);
    let [negative, twice] = net.split(NegativeAndTwice, &[block]);
    let wide = net.join(Concatenate::new(), &[negative, x, twice, block]);
    let narrow = net.apply(conv(), wide);
    let pooled = net.apply(MaxPooling2D::new(2), narrow);
    let flat = net.apply(Flatten, pooled);
    let hidden = net.apply(Dense::new(300).activation(Relu), flat);
    let classes = net.apply(Dense::new(10).activation(Softmax), hidden);
    let outputs = net.outputs(&[classes, block, y, narrow, twice]);
    outputs.build(Seed(3)).unwrap()
}

/// Two outputs, and no step of its own.
#[derive(Debug)]
struct NegativeAndTwice;

impl DescribeJunction for NegativeAndTwice {
    fn class_name(&self) -> &'static str {
        "NegativeAndTwice"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({})
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![inputs[0].to_vec(); 2])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Junction for NegativeAndTwice {
    fn forward(&self, x: &[&Var], _: &[Var], _: &mut Context) -> Result<Vec<Var>> {
        Ok(vec![x[0].neg(), x[0].add(x[0])?])
    }
}

fn two_batches(samples: usize) -> [Tensor; 2] {
    [7, 8].map(|case| {
        let key = Seed(case).key(Stream::User(4), 0);
        Tensor::normal([samples, 14, 14, 16], 0.0, 1.0, key)
    })
}

#[test]
fn a_large_graph_at_many_batch_sizes() {
    let model = large_graph();
    let mut prepared = model.prepare(32).unwrap();
    for samples in [1, 2, 3, 4, 7, 9, 33] {
        let [a, b] = two_batches(samples);
        let wanted = model.predict_all([&a, &b]).unwrap();
        let found = prepared.predict_all([&a, &b]).unwrap();
        for (output, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let difference = found.max_abs_difference(wanted).unwrap();
            assert!(
                difference <= 2e-5,
                "output {output}: {difference} apart, {samples} samples"
            );
        }
    }
}

#[test]
fn a_graph_has_the_same_bits_for_any_number_of_threads_and_neighbours() {
    let model = large_graph();
    let [a, b] = two_batches(20);
    let bits = |threads: usize, max_batch: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let predict = || model.prepare(max_batch).unwrap().predict_all([&a, &b]);
        let y = pool.build().unwrap().install(predict).unwrap();
        let bits = |y: &Tensor| y.to_vec().into_iter().map(f32::to_bits).collect();
        y.iter().map(bits).collect()
    };
    for max_batch in [1, 20] {
        let one = bits(1, max_batch);
        for threads in [2, 3, 5] {
            assert_eq!(bits(threads, max_batch), one, "{threads} threads");
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let model = large();
    for samples in [1, 3, 20] {
        let x = batch(&model, samples, 6);
        let bits = |threads: usize| -> Vec<u32> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let predict = || model.prepare(32).unwrap().predict(&x).unwrap();
            let y = pool.build().unwrap().install(predict);
            y.to_vec().into_iter().map(f32::to_bits).collect()
        };
        let one = bits(1);
        for threads in [2, 3, 5] {
            assert_eq!(bits(threads), one, "{samples} samples, {threads} threads");
        }
    }
}

#[test]
fn layers_are_covered_as_far_as_can_be() {
    let prepared = large().prepare(1).unwrap();
    let steps: Vec<(&str, usize)> = prepared
        .steps()
        .iter()
        .map(|(name, layers)| (*name, layers.len()))
        .collect();
    assert_eq!(
        steps,
        [("conv2d", 1), ("conv2d", 4), ("dense", 1), ("dense", 1)]
    );
    // A Reshape in between makes another image: no pooling with the convolution.
    let model = Sequential::new([8, 8, 2])
        .add(Conv2D::new(4, 1).activation(Relu))
        .add(Reshape::new([4, 16, 4]))
        .add(MaxPooling2D::new(2));
    let model = with_weights(model.build(Seed(1)).unwrap(), 1);
    assert_eq!(model.prepare(1).unwrap().steps().len(), 2);
    assert_predicts_the_same(&model, 4, 6, "a reshaped image");
}

#[test]
fn nan_and_infinity_are_not_hidden() {
    let model = Sequential::new([3])
        .add(Dense::new(2).activation(Relu))
        .build(Seed(1))
        .unwrap();
    let mut prepared = model.prepare(1).unwrap();
    let mut y = [0.0; 2];
    prepared
        .predict_into(&[f32::NAN, 0.0, 0.0], &mut y)
        .unwrap();
    assert!(y.iter().all(|y| y.is_nan()), "{y:?}");

    let mut model = model;
    model.parameters_mut()[0].value = Tensor::full([3, 2], f32::INFINITY);
    let mut prepared = model.prepare(1).unwrap();
    prepared.predict_into(&[0.0; 3], &mut y).unwrap(); // 0 · ∞
    assert!(y.iter().all(|y| y.is_nan()), "{y:?}");
}

#[test]
fn what_does_not_fit_is_refused_with_reasons() {
    let model = large();
    let mut prepared = model.prepare(2).unwrap();
    let mut error = |inputs: usize, outputs: usize| {
        prepared
            .predict_into(&vec![0.0; inputs], &mut vec![0.0; outputs])
            .unwrap_err()
            .to_string()
    };
    assert!(error(784, 20).contains("784 values in, 20 values out"));
    assert!(error(785, 10).contains("[28, 28, 1]"));
    let message = prepared.predict(&Tensor::zeros([2, 784])).unwrap_err();
    assert!(message.to_string().contains("[n, 28, 28, 1]"), "{message}");
    let message = model.prepare(usize::MAX).unwrap_err().to_string();
    assert!(message.contains("fewer samples"), "{message}");
}

#[test]
fn it_is_a_snapshot() {
    let mut model = large();
    let x = batch(&model, 2, 7);
    let mut prepared = model.prepare(2).unwrap();
    let before = prepared.predict(&x).unwrap().to_vec();
    for parameter in model.parameters_mut() {
        parameter.value = Tensor::zeros(parameter.value.shape());
    }
    assert_eq!(prepared.predict(&x).unwrap().to_vec(), before);
}

fn assert_measures_the_same(model: &Model, samples: usize, loss: &dyn Loss, what: &str) {
    let x = batch(model, samples, 7);
    let shape = [&[samples], model.output_shape()].concat();
    let y = Tensor::uniform(shape, 0.0, 1.0, Seed(8).key(Stream::User(5), 0));
    let wanted = model.evaluate_batch(&x, &y, loss).unwrap();
    let (output, value) = (wanted.output(), wanted.loss + wanted.activity_penalty);
    let mut evaluator = model.evaluator(3).unwrap();
    let measured = evaluator.evaluate_batch(&x, &y, loss).unwrap();
    let (found_output, found) = (measured.output(), measured.loss + measured.activity_penalty);
    let largest = output.to_vec().iter().fold(1.0f32, |m, x| m.max(x.abs()));
    let difference = found_output.max_abs_difference(output).unwrap();
    assert!(
        difference <= 1e-5 * f64::from(largest),
        "{what}: {difference} apart"
    );
    assert!(
        (found - value).abs() <= 1e-4 * value.abs().max(1e-2),
        "{what}: {found} for {value}"
    );
}

#[test]
fn an_evaluator_measures_what_the_model_measures() {
    for case in 0..100 {
        let model = random_model(case);
        if !model.output_shape().contains(&0) {
            let what = format!("case {case}: {:?}", model);
            assert_measures_the_same(&model, 5, &MeanSquaredError, &what);
        }
    }
    let losses: [(ActivationKind, &dyn Loss); 4] = [
        (Softmax, &CategoricalCrossentropy),
        (Sigmoid, &BinaryCrossentropy),
        (Sigmoid, &CategoricalCrossentropy),
        (Relu, &MeanSquaredError),
    ];
    for (activation, loss) in losses {
        let layers: [Box<dyn Layer>; 2] = [
            Box::new(Dense::new(3).activation(activation)),
            Box::new(Activation::new(activation)),
        ];
        for last in layers {
            let what = format!("{last:?} and {}", loss.name());
            let model = Sequential::new([6]).add(Dense::new(3)).add_boxed(last);
            let model = with_weights(model.build(Seed(2)).unwrap(), 2);
            assert_measures_the_same(&model, 7, loss, &what);
            // Linear in front of the activation or not, it is not applied twice.
            assert_predicts_the_same(&model, 4, 7, &what);
        }
    }
}

#[test]
fn an_evaluator_knows_penalties_of_what_lies_between_layers() {
    let penal = Dense::new(4).activity_regularizer(crate::L2(0.3));
    let model = Sequential::new([6]).add(penal).add(Dense::new(2));
    let model = with_weights(model.build(Seed(2)).unwrap(), 2);
    assert!(!model.evaluator(3).unwrap().is_prepared());
    assert_measures_the_same(&model, 5, &MeanSquaredError, "a penalty");

    // A layer of another kind could have one.
    let model = Sequential::new([6]).add(Odd).build(Seed(2)).unwrap();
    assert!(!model.evaluator(3).unwrap().is_prepared());
    assert!(large().evaluator(3).unwrap().is_prepared());
}

#[test]
fn an_evaluator_takes_the_loss_from_the_logits() {
    let model = Sequential::new([2])
        .add(Dense::new(2).use_bias(false).activation(Softmax))
        .build(Seed(1));
    let mut model = model.unwrap();
    model.parameters_mut()[0].value = Tensor::from_fn([2, 2], |i| [300.0, 0.0, 0.0, 300.0][i]);
    let (x, y) = (
        Tensor::from_fn([1, 2], |i| [1.0, 0.0][i]),
        Tensor::one_hot(&[1], 2).unwrap(),
    );
    let mut evaluator = model.evaluator(1).unwrap();
    let measured = evaluator.evaluate_batch(&x, &y, &CategoricalCrossentropy);
    let loss = measured.unwrap().loss;
    assert!(
        (loss - 300.0).abs() < 1e-3,
        "{loss}: of probabilities it would be 16"
    );

    let error = evaluator.evaluate_batch(&Tensor::ones([1, 3]), &y, &CategoricalCrossentropy);
    let message = error.unwrap_err().to_string();
    assert!(message.contains("[n, 2] are wanted"), "{message}");
}
